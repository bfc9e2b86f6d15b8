package install

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"time"
)

// maxOutput bounds what is kept of a command's output, for a message that a person reads.
const maxOutput = 4 << 10

// run runs a program to its end or to the context's, with everything that it started, and returns the beginning of
// what it wrote. It inherits nothing but the few variables that programs cannot do without.
func run(ctx context.Context, dir, program string, args []string) ([]byte, error) {
	var out head
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // for a grandchild that has the output open
	release, err := startFamily(cmd)
	if err != nil {
		return nil, err
	}
	defer release()
	err = cmd.Wait()
	return out.Bytes(), err
}

func environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SystemRoot", "SystemDrive", "TEMP", "TMP", "ProgramData"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// head keeps the beginning of what is written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), maxOutput-h.Len())])
	return len(p), nil
}
