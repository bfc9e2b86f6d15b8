package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a user and a group that neither is root's nor runs the tests.
const nobody = 65534

// Every way in which somebody else could exchange a program, or a file that it loads, and the ways that are none. What is
// to blame is a path below the folder that holds the tree at apps/client; "" stands for a tree that may be run.
func TestTrusted(t *testing.T) {
	root := os.Geteuid() == 0
	mode := func(name string, mode fs.FileMode) func(string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, name), mode) }
	}
	owner := func(name string, user, group int) func(string) error {
		return func(dir string) error { return os.Lchown(filepath.Join(dir, name), user, group) }
	}
	both := func(first, second func(string) error) func(string) error {
		return func(dir string) error { return errors.Join(first(dir), second(dir)) }
	}
	const client = "apps/client"
	for name, tt := range map[string]struct {
		do    func(dir string) error
		blame string
		root  bool // only root can do this
	}{
		"as installed":                {do: func(string) error { return nil }},
		"a program for everybody":     {do: mode(client+"/bin/client", 0o757), blame: client + "/bin/client"},
		"a library for everybody":     {do: mode(client+"/bin/core.dll", 0o666), blame: client + "/bin/core.dll"},
		"a folder for everybody":      {do: mode(client+"/bin", 0o777), blame: client + "/bin"},
		"the tree for everybody":      {do: mode(client, 0o777), blame: client},
		"a sticky folder in the tree": {do: mode(client+"/bin", 0o777|fs.ModeSticky), blame: client + "/bin"},
		"a parent for everybody":      {do: mode("apps", 0o777), blame: "apps"},
		"a sticky parent":             {do: mode("apps", 0o777|fs.ModeSticky)},
		"the first is told":           {do: both(mode("apps", 0o777), mode(client, 0o777)), blame: "apps"},
		"a sticky parent with a tree of": {do: both(mode("apps", 0o777|fs.ModeSticky), owner(client, nobody, 0)), blame: client,
			root: true},
		"a sticky parent of somebody": {do: both(mode("apps", 0o777|fs.ModeSticky), owner("apps", nobody, 0)), blame: "apps", root: true},
		"user data for everybody":     {do: both(mode(client+"/Logs", 0o777), mode(client+"/Logs/a/today.log", 0o666))},
		"user data of somebody":       {do: owner(client+"/Logs/a", nobody, nobody), root: true},
		"a program of somebody":       {do: owner(client+"/bin/client", nobody, 0), blame: client + "/bin/client", root: true},
		"a folder of somebody":        {do: owner(client+"/bin", nobody, 0), blame: client + "/bin", root: true},
		"a parent of somebody":        {do: owner("apps", nobody, 0), blame: "apps", root: true},
		"for root's group":            {do: both(owner(client+"/bin", 0, 0), mode(client+"/bin", 0o775)), root: true},
		"for another group":           {do: both(owner(client+"/bin", 0, nobody), mode(client+"/bin", 0o775)), blame: client + "/bin", root: true},
		"a group that may only read":  {do: owner(client+"/bin", 0, nobody), root: true},
		"a parent for another group":  {do: both(owner("apps", 0, nobody), mode("apps", 0o775)), blame: "apps", root: true},
		"an access list for a user":   {do: accessListFor(client + "/bin/client"), blame: client + "/bin/client", root: true},
		"a link in the tree":          {do: linkTo("/etc/passwd", client+"/bin/linked"), blame: client + "/bin/linked"},
		"a link in user data":         {do: linkTo("/etc/passwd", client+"/Logs/linked")},
		"a link on the way":           {do: func(dir string) error { return swapForLink(dir) }, blame: "apps"},
		"a pipe in the tree":          {do: func(dir string) error { return unix.Mkfifo(filepath.Join(dir, client, "pipe"), 0o600) }, blame: client + "/pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.root && !root {
				t.Skip("only root may give files away")
			}
			tree := treeWith(t, []byte("#!/bin/sh\n"))
			dir := filepath.Join(filepath.Dir(tree.Root), "holder")
			moved := filepath.Join(dir, client)
			if err := errors.Join(os.MkdirAll(filepath.Dir(moved), 0o755), os.Rename(tree.Root, moved), os.Chmod(moved, 0o755), tt.do(dir)); err != nil {
				t.Fatal(err)
			}
			tree.Root = moved
			for what, err := range map[string]error{"trusted": tree.Trusted(), "run": runVersion(t, tree)} {
				var insecure *InsecureError
				switch {
				case tt.blame == "" && err != nil:
					t.Errorf("%s: %v", what, err)
				case tt.blame != "" && (!errors.As(err, &insecure) || insecure.Path != filepath.Join(dir, tt.blame)):
					t.Errorf("%s: %v, want %s to be to blame", what, err, tt.blame)
				}
			}
		})
	}
	if err := (Tree{Root: "relative"}).Trusted(); err == nil {
		t.Error("a relative path was trusted")
	}
}

func runVersion(t *testing.T, tree Tree) error {
	_, err := tree.Run(t.Context(), []string{program(), "version"}, plenty)
	return err
}

func linkTo(target, name string) func(string) error {
	return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
}

func swapForLink(dir string) error {
	apps := filepath.Join(dir, "apps")
	return errors.Join(os.Rename(apps, apps+"-moved"), os.Symlink("apps-moved", apps))
}

// accessListFor lets one named user write, which the mode shows as a right of the file's group, root's.
func accessListFor(name string) func(string) error {
	entry := func(tag, rights, id uint32) []byte {
		return []byte{byte(tag), 0, byte(rights), 0, byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)}
	}
	const user, named, group, mask, other, none = 0x01, 0x02, 0x04, 0x10, 0x20, 0xffffffff
	list := []byte{2, 0, 0, 0}
	for _, e := range [][]byte{entry(user, 7, none), entry(named, 7, nobody), entry(group, 5, none), entry(mask, 7, none), entry(other, 5, none)} {
		list = append(list, e...)
	}
	return func(dir string) error {
		return unix.Lsetxattr(filepath.Join(dir, name), "system.posix_acl_access", list, 0)
	}
}
