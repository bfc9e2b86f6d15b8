package e2e

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The patience of commands that wait.
const (
	patience = 20 * time.Second
	pause    = 100 * time.Millisecond
)

// patient takes -t TIME from the front of the arguments.
func patient(ts *testscript.TestScript, args []string) (time.Duration, []string) {
	if len(args) < 2 || args[0] != "-t" {
		return patience, args
	}
	limit, err := time.ParseDuration(args[1])
	ts.Check(err)
	return limit, args[2:]
}

// await repeats look until it is true, and fails the script with what describe says if that takes too long.
func await(ts *testscript.TestScript, limit time.Duration, look func() bool, describe func() string) {
	for deadline := time.Now().Add(limit); !look(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			ts.Fatalf("not within %s: %s", limit, describe())
		}
	}
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	limit, args := patient(ts, args)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: wait-for [-t TIME] REGEXP PROGRAM ARG…")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	var failed error
	await(ts, limit, func() bool {
		failed = ts.Exec(args[1], args[2:]...)
		return want.MatchString(ts.ReadFile("stdout"))
	}, func() string {
		return fmt.Sprintf("no match for %q in what %s prints (last: %v)\n%s%s",
			args[0], args[1], failed, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	})
}

func waitLog(ts *testscript.TestScript, neg bool, args []string) {
	limit, args := patient(ts, args)
	if neg || len(args) != 2 {
		ts.Fatalf("usage: wait-log [-t TIME] NAME REGEXP")
	}
	s := servicesOf(ts).running[args[0]]
	if s == nil {
		ts.Fatalf("wait-log %s: it is not served", args[0])
	}
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	await(ts, limit, func() bool {
		data, err := os.ReadFile(s.log)
		return err == nil && want.Match(data)
	}, func() string { return fmt.Sprintf("no match for %q in the log of %s", args[1], args[0]) })
}

func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free-port NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

func setenvFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv-file NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// writeZip makes an archive that no honest program would: its names are taken as they are.
func writeZip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: zip FILE ENTRY…")
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close() // Close of the archive has told whether all was written
	archive := zip.NewWriter(f)
	for _, entry := range args[1:] {
		name, content, _ := strings.Cut(entry, "=")
		header := &zip.FileHeader{Name: name}
		header.SetMode(0o644)
		if target, ok := strings.CutPrefix(content, ">"); ok {
			header.SetMode(fs.ModeSymlink | 0o777)
			content = target
		}
		w, err := archive.CreateHeader(header)
		ts.Check(err)
		_, err = io.WriteString(w, content)
		ts.Check(err)
	}
	ts.Check(archive.Close())
}

func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] json PATH VALUE")
	}
	var root any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &root); err != nil {
		ts.Fatalf("json: standard output is none: %v", err)
	}
	got, ok := field(root, args[0])
	if equal := ok && got == args[1]; equal == neg {
		ts.Fatalf("json: %s is %q (there: %v), compared with %q", args[0], got, ok, args[1])
	}
}

// field is the value at a path of names and indices joined by dots, as text: strings as they are, the rest as JSON.
func field(value any, path string) (text string, ok bool) {
	for part := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value, ok = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if ok = err == nil && i >= 0 && i < len(v); ok {
				value = v[i]
			}
		default:
			ok = false
		}
		if !ok {
			return "", false
		}
	}
	if text, ok := value.(string); ok {
		return text, true
	}
	data, err := json.Marshal(value)
	return string(data), err == nil
}
