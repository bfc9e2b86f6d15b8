package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"lull/internal/fileversion"
	"lull/schema"
)

// maxOutput bounds what is kept of a command's output; the rest is read and dropped.
const maxOutput = 64 << 10

// afterEnd is how long the output of a command is waited for that has ended while a child of it holds the output open.
const afterEnd = time.Second

// VersionByCommand runs a program of the installation and reads the version from the first line that it prints. The
// program is named relative to dir, in any case; it runs in dir without a shell, with an environment that holds nothing
// of the agent's, and is killed after the timeout. The caller has made sure that these files may be executed.
func VersionByCommand(ctx context.Context, dir string, command []string, timeout time.Duration) (schema.Version, error) {
	if len(command) == 0 || timeout <= 0 {
		return schema.Version{}, errors.New("read version by command: there is no command or no timeout")
	}
	fail := func(err error) (schema.Version, error) {
		return schema.Version{}, fmt.Errorf("read version by command %s: %w", command[0], err)
	}
	program, err := programPath(dir, command[0])
	if err != nil {
		return fail(err)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var out head
	cmd := exec.CommandContext(limited, program, command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.WaitDelay = dir, environment(), &out, afterEnd
	switch err := cmd.Run(); {
	case ctx.Err() != nil:
		return fail(ctx.Err())
	case limited.Err() != nil:
		return fail(fmt.Errorf("it did not end within %s", timeout))
	case err != nil:
		return fail(err)
	}
	v, err := fileversion.Text(bytes.NewReader(out))
	if err != nil {
		return fail(fmt.Errorf("its first line: %w", err))
	}
	return v, nil
}

// programPath is the real path of a program below dir that is an ordinary file there.
func programPath(dir, name string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	real, err := findName(root, slashed(name))
	if err != nil {
		return "", err
	}
	info, err := root.Lstat(real)
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	return filepath.Join(dir, filepath.FromSlash(real)), err
}

// environment is the least that programs start with. Windows needs its folders to load libraries and to connect.
func environment() []string {
	if runtime.GOOS != "windows" {
		return []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	}
	var env []string
	for _, name := range []string{"SystemRoot", "SystemDrive", "windir", "TEMP", "TMP", "ProgramData", "WINEPREFIX"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// head keeps the start of what is written to it.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), maxOutput-len(*h))]...)
	return len(p), nil
}
