package bench

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lull/internal/wire"
)

// server is a running `lull server`, and what its command line needs to talk to it.
type server struct {
	lull    string
	address string
	pid     int
	env     []string
}

// startServer runs a server over manifests, on one processor unless core is empty, and waits until it serves them.
func startServer(b *testing.B, core, scheme, manifests string) *server {
	b.Helper()
	s, data := &server{lull: built(b, "lull"), address: freeAddress(b)}, b.TempDir()
	command := []string{s.lull, "server", "--data", data, "--listen", s.address, "--manifests", manifests}
	s.env = []string{"LULL_SERVER=" + scheme + "://" + s.address}
	if scheme == "http" {
		command = append(command, "--plain-http")
	} else {
		s.env = append(s.env, "LULL_CA="+filepath.Join(data, "ca.pem"))
	}
	if core != "" {
		command = append([]string{"taskset", "-c", core}, command...)
	}
	s.pid = start(b, nil, command[0], command[1:]...)

	var token []byte
	await(b, "the server has written the administrator's token", func() bool {
		var err error
		token, err = os.ReadFile(filepath.Join(data, "admin.token"))
		return err == nil
	})
	s.env = append(s.env, "LULL_TOKEN="+strings.TrimSpace(string(token)))
	await(b, "the server serves the client of its manifests", func() bool {
		cmd := exec.Command(s.lull, "get", "clients", "-o", "json")
		cmd.Env = append(os.Environ(), s.env...)
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			b.Fatal(err)
		}
		return strings.Contains(string(out), "viewer")
	})
	return s
}

// enrolment is what lets agents in.
func (s *server) enrolment(b *testing.B) wire.Enrolment {
	b.Helper()
	e, err := wire.ParseEnrolment(run(b, s.env, s.lull, "token", "create", "--agents"))
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// freeAddress is one of the loopback interface that nobody listens on now.
func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
