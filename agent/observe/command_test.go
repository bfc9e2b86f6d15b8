package observe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"lull/schema"
)

// TestMain makes the test program, under another name, a client that is asked for its version.
func TestMain(m *testing.M) {
	if !strings.HasPrefix(strings.ToLower(filepath.Base(os.Args[0])), "client") {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "version":
		fmt.Println("client 5.8.2\nmore")
	case "environment":
		where, _ := os.Getwd()
		_, folderErr := os.Stat(filepath.Join(where, "marker"))
		if os.Getenv("LULL_OBSERVE_SECRET") == "" && folderErr == nil {
			fmt.Println("1.0")
		}
	case "flood":
		fmt.Println("2.0" + strings.Repeat("\nnoise", 1<<20))
	case "fail":
		fmt.Println("3.0")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Minute)
	}
}

// installed is a folder with the test program as client(.exe).
func installed(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	name := "Bin/client"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return tree(t, map[string]string{name: string(data), "marker": ""})
}

func clientProgram() string {
	if runtime.GOOS == "windows" {
		return `bin\client.exe`
	}
	return `bin\client`
}

func TestVersionByCommand(t *testing.T) {
	dir := installed(t)
	t.Setenv("LULL_OBSERVE_SECRET", "token")
	for arg, want := range map[string]string{"version": "5.8.2", "environment": "1.0", "flood": "2.0", "fail": "", "nothing": ""} {
		got, err := VersionByCommand(t.Context(), dir, []string{clientProgram(), arg}, 20*time.Second)
		if got.String() != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", arg, got, err, want)
		}
	}
}

func TestVersionByCommandEndsInTime(t *testing.T) {
	dir := installed(t)
	hang := []string{clientProgram(), "hang"}
	start := time.Now()
	if _, err := VersionByCommand(t.Context(), dir, hang, 200*time.Millisecond); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want a failure of its own", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := VersionByCommand(ctx, dir, hang, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the context", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestVersionByCommandRunsOnlyTheInstallation(t *testing.T) {
	dir := installed(t)
	for _, name := range []string{"../client", "missing", "", ".", "Bin"} {
		v, err := VersionByCommand(t.Context(), dir, []string{name, "version"}, time.Second)
		if err == nil {
			t.Errorf("%q was run: %s", name, v)
		}
		if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, want fs.ErrNotExist", name, err)
		}
	}
	if v, err := VersionByCommand(t.Context(), dir, nil, time.Second); err == nil || v != (schema.Version{}) {
		t.Errorf("no command: %s, %v", v, err)
	}
}
