package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test program, under another name, a client with commands.
func TestMain(m *testing.M) {
	if !strings.HasPrefix(strings.ToLower(filepath.Base(os.Args[0])), "client") {
		os.Exit(m.Run())
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else every child takes a second to end
	switch os.Args[1] {
	case "version":
		fmt.Println("client 5.8.2")
	case "environment":
		where, _ := os.Getwd()
		_, err := os.Stat(filepath.Join(where, "marker"))
		fmt.Printf("secret %q, marker %t", os.Getenv("LULL_TEST_SECRET"), err == nil)
	case "flood":
		fmt.Print(strings.Repeat("noise\n", 1<<18))
	case "fail":
		fmt.Println("said")
		fmt.Fprintln(os.Stderr, "complained")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Minute)
	case "leave": // a child that outlives its parent, holds its output open, and tells of its end too late
		child := exec.Command(os.Args[0], "linger")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		fmt.Print("left")
	case "linger":
		time.Sleep(3 * time.Second)
		if err := os.WriteFile("lingered", nil, 0o600); err != nil {
			os.Exit(1)
		}
	}
}

// installed is a tree with the test program as bin/client(.exe).
func installed(t *testing.T) Tree {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	return treeWith(t, data)
}

// treeWith is a tree with a program and user data, which nobody but this user may change.
func treeWith(t *testing.T, client []byte) Tree {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{program(): client, "marker": nil, "bin/core.dll": nil, "Logs/a/today.log": nil} {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, content, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	return Tree{Root: root, UserData: func(name string, _ bool) bool {
		return name == "Logs" || strings.HasPrefix(name, "Logs/")
	}}
}

func program() string {
	if runtime.GOOS == "windows" {
		return "bin/client.exe"
	}
	return "bin/client"
}

const plenty = time.Minute

func TestRun(t *testing.T) {
	t.Setenv("LULL_TEST_SECRET", "token")
	tree := installed(t)
	for argument, want := range map[string]string{"version": "client 5.8.2\n", "environment": `secret "", marker true`} {
		got, err := tree.Run(t.Context(), []string{program(), argument}, plenty)
		if err != nil || strings.ReplaceAll(string(got), "\r", "") != want {
			t.Errorf("%s: %q, %v; want %q", argument, got, err, want)
		}
	}
	if got, err := tree.Run(t.Context(), []string{strings.ReplaceAll(program(), "/", `\`), "version"}, plenty); err != nil || len(got) == 0 {
		t.Errorf("with backslashes: %q, %v", got, err)
	}
	if got, err := tree.Run(t.Context(), []string{program(), "flood"}, plenty); err != nil || len(got) != maxOutput {
		t.Errorf("%d bytes of a flood, %v; want %d", len(got), err, maxOutput)
	}
	var exit *exec.ExitError
	_, err := tree.Run(t.Context(), []string{program(), "fail"}, plenty)
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "said") || !strings.Contains(err.Error(), "complained") {
		t.Errorf("a failure is %v", err)
	}
}

func TestRunEndsInTime(t *testing.T) {
	t.Parallel()
	tree := installed(t)
	start := time.Now()
	hang := []string{program(), "hang"}
	if _, err := tree.Run(t.Context(), hang, 200*time.Millisecond); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v, want %v", err, ErrTimeout)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := tree.Run(ctx, hang, plenty); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout) {
		t.Errorf("%v, want the end of the context", err)
	}
	if took := time.Since(start); took > plenty/2 {
		t.Errorf("took %s", took)
	}
}

func TestNothingOutlivesACommand(t *testing.T) {
	t.Parallel()
	tree := installed(t)
	got, err := tree.Run(t.Context(), []string{program(), "leave"}, plenty)
	if err != nil || string(got) != "left" {
		t.Fatalf("%q, %v", got, err)
	}
	time.Sleep(4 * time.Second)
	if _, err := os.Stat(filepath.Join(tree.Root, "lingered")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the command had started lived on: %v", err)
	}
}

func TestRunRunsOnlyTheTree(t *testing.T) {
	t.Parallel()
	tree := installed(t)
	for _, name := range []string{"../client", "missing", "", ".", "bin", "/bin/true"} {
		if _, err := tree.Run(t.Context(), []string{name, "version"}, plenty); err == nil {
			t.Errorf("%q was run", name)
		}
	}
	if _, err := tree.Run(t.Context(), []string{"missing"}, plenty); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing program: %v", err)
	}
	if _, err := tree.Run(t.Context(), nil, plenty); err == nil {
		t.Error("no command was run")
	}
	if _, err := tree.Run(t.Context(), []string{program(), "version"}, 0); err == nil {
		t.Error("a command was run in no time")
	}
	var insecure *InsecureError
	if _, err := tree.Run(t.Context(), []string{"Logs/a/today.log"}, plenty); !errors.As(err, &insecure) {
		t.Errorf("user data: %v", err)
	}
}
