package manifests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// byGitEvents runs a repository that is looked at once an hour.
func byGitEvents(t *testing.T, dir string) *Source {
	t.Helper()
	s := mustOpen(t, dir, Options{Interval: time.Hour})
	start(t, s)
	await(t, s, "the first look", (*Snapshot).Seen)
	time.Sleep(20 * time.Millisecond) // until it watches
	return s
}

func TestLocalSeesEveryWayThatABranchMoves(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	s := byGitEvents(t, repo)
	old := commit(t, repo, tree{"a.yaml": server})
	await(t, s, "a commit", func(n *Snapshot) bool { return n.Revision == old })
	next := commit(t, repo, tree{"a.yaml": server9})
	await(t, s, "a second commit", func(n *Snapshot) bool { return n.Revision == next })
	run(t, repo, "git", "reset", "-q", "--hard", old)
	await(t, s, "a reset", func(n *Snapshot) bool { return n.Revision == old && servers(n) == "main 5.8.2" })
	run(t, repo, "git", "switch", "-q", "-c", "team/other")
	other := commit(t, repo, tree{"a.yaml": server9, "b.yaml": second})
	await(t, s, "another branch", func(n *Snapshot) bool { return n.Revision == other })
	run(t, repo, "git", "gc", "-q", "--prune=now")
	packed := commit(t, repo, tree{"a.yaml": server})
	await(t, s, "a commit after everything was packed", func(n *Snapshot) bool { return n.Revision == packed })
	run(t, repo, "git", "checkout", "-q", "--detach", other)
	await(t, s, "a detached HEAD", func(n *Snapshot) bool { return n.Revision == other && n.Refused == nil && n.Unreachable == nil })
}

// A named branch is followed, whatever is checked out.
func TestLocalFollowsANamedBranch(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	good := commit(t, repo, tree{"a.yaml": server})
	s := mustOpen(t, repo+"#main", Options{})
	look(t, s)
	run(t, repo, "git", "switch", "-q", "-c", "other")
	commit(t, repo, tree{"a.yaml": server9})
	if snap := look(t, s); snap.Revision != good {
		t.Errorf("at %s", snap.Revision)
	}
}

// The worktree does not matter: what is not committed is not there.
func TestLocalReadsCommitsOnly(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	write(t, repo, tree{"a.yaml": broken})
	if got := servers(look(t, mustOpen(t, repo, Options{}))); got != "main 5.8.2" {
		t.Errorf("got %q", got)
	}
}

func TestLocalOpensEveryLayout(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	run(t, "", "git", "clone", "-q", "--bare", repo, at("bare.git"))
	run(t, "", "git", "clone", "-q", "--shared", repo, at("shared"))
	run(t, "", "git", "clone", "-q", "--depth=1", "file://"+repo, at("shallow"))
	run(t, "", "git", "clone", "-q", "--separate-git-dir="+at("apart.git"), repo, at("apart"))
	run(t, repo, "git", "worktree", "add", "-q", "-b", "linked", at("linked"))
	for _, name := range []string{"bare.git", "shared", "shallow", "apart", "apart.git", "linked"} {
		if got := servers(look(t, mustOpen(t, at(name), Options{}))); got != "main 5.8.2" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLocalSaysWhyItCannotBeRead(t *testing.T) {
	t.Parallel()
	sha256 := newRepo(t, "--object-format=sha256")
	s := mustOpen(t, sha256, Options{})
	wantText(t, lookFails(t, s), "its object format is sha256, and only sha1 can be read")

	unborn := newRepo(t)
	run(t, unborn, "git", "symbolic-ref", "HEAD", "refs/heads/nothing")
	wantText(t, lookFails(t, mustOpen(t, unborn, Options{})), "HEAD names a branch without a commit: name one of main")
	wantText(t, lookFails(t, mustOpen(t, unborn, Options{Branch: "nope"})), "branch nope does not exist: there are main")

	reftable := newRepo(t)
	run(t, reftable, "git", "config", "extensions.refstorage", "reftable")
	wantText(t, lookFails(t, mustOpen(t, reftable, Options{})), "its references are stored as reftable")

	empty := filepath.Join(t.TempDir(), "empty")
	run(t, "", "git", "init", "-q", empty)
	if snap := look(t, mustOpen(t, empty, Options{})); !snap.Seen() || snap.Revision != "" || snap.Set.Len() != 0 {
		t.Errorf("a repository without commits: %+v", *snap)
	}
}

// A commit of which an object is missing is never taken, and what was read before stays.
func TestLocalWithAMissingObject(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	s := mustOpen(t, repo, Options{})
	look(t, s)
	commit(t, repo, tree{"a.yaml": server9})
	blob := run(t, repo, "git", "rev-parse", "HEAD:a.yaml")
	object := filepath.Join(repo, ".git", "objects", blob[:2], blob[2:])
	rename(t, object, object+".away")
	wantText(t, lookFails(t, s), "the repository is incomplete")
	if servers(s.Current()) != "main 5.8.2" {
		t.Error("the incomplete commit was taken")
	}
	rename(t, object+".away", object)
	if got := servers(look(t, s)); got != "main 5.9.0" {
		t.Errorf("got %q", got)
	}
}

func TestGitRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(t *testing.T, repo string)
		want string
	}{
		"a symbolic link": {func(t *testing.T, repo string) {
			if err := os.Symlink("a.yaml", filepath.Join(repo, "b.yaml")); err != nil {
				t.Fatal(err)
			}
			run(t, repo, "git", "add", "-A")
		}, "b.yaml:1:1: symbolic links in git are not followed"},
		"a submodule": {func(t *testing.T, repo string) {
			run(t, repo, "git", "update-index", "--add", "--cacheinfo", "160000,"+run(t, repo, "git", "rev-parse", "HEAD")+",sub")
		}, "sub:1:1: submodules are not read"},
		"a pointer of LFS": {func(t *testing.T, repo string) {
			write(t, repo, tree{"a.yaml": server, "b.yaml": "version https://git-lfs.github.com/spec/v1\n"})
			run(t, repo, "git", "add", "-A")
		}, "b.yaml:1:1: the file is a pointer of git LFS"},
		"a large file": {func(t *testing.T, repo string) {
			write(t, repo, tree{"a.yaml": server, "b.yaml": strings.Repeat("#\n", maxFileSize/2+1)})
			run(t, repo, "git", "add", "-A")
		}, "b.yaml:1:1: the file has 10485762 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepo(t)
			good := commit(t, repo, tree{"a.yaml": server})
			s := mustOpen(t, repo, Options{})
			look(t, s)
			c.make(t, repo)
			run(t, repo, "git", "commit", "-q", "-m", "bad")
			snap := look(t, s)
			if snap.Refused == nil || snap.Revision != good {
				t.Fatalf("%+v", *snap)
			}
			wantText(t, snap.Refused.Errors.Error(), c.want)
		})
	}
}

// A few small objects can describe a tree without end: each folder holds the one below it many times.
func TestGitRefusesATreeWithoutEnd(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	good := commit(t, repo, tree{"a.yaml": server})
	s := mustOpen(t, repo, Options{})
	look(t, s)
	b := builder{}
	below, err := b.tree(plumbing.ZeroHash, map[string][]byte{"a.yaml": []byte(server)})
	for range maxDepth - 2 {
		var level object.Tree
		for i := range 10 {
			level.Entries = append(level.Entries, object.TreeEntry{Name: fmt.Sprint(i), Mode: filemode.Dir, Hash: below})
		}
		below, err = b.add(&level)
	}
	if err != nil {
		t.Fatal(err)
	}
	storage, err := openStorage(repo)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.flush(storage, filepath.Join(repo, ".git")); err != nil {
		t.Fatal(err)
	}
	run(t, repo, "git", "reset", "-q", "--soft", run(t, repo, "git", "commit-tree", "-m", "bomb", below.String()))
	run(t, repo, "git", "repack", "-q", "-a", "-d") // packed, it is read a hundred times faster
	snap := look(t, s)
	if snap.Refused == nil || snap.Revision != good {
		t.Fatalf("%+v", *snap)
	}
	wantText(t, snap.Refused.Errors.Error(), "more than 50000 manifest files or 10000 folders")
}

func TestARevisionHasBounds(t *testing.T) {
	l := listing{prefix: "m/", items: make([]item, maxFiles+1)}
	wantText(t, l.within().Error(), "m/:1:1: 50001 manifest files, and 50000 are allowed")
	l.items = []item{{name: "a.yaml", size: maxFileSize + 1}, {name: "b.yaml", size: maxFileSize}}
	wantText(t, l.within().Error(), "m/a.yaml:1:1: the file has 10485761 bytes, and 10485760 are allowed")
	l.items = slices.Repeat([]item{{size: maxFileSize}}, maxTotalSize/maxFileSize+1)
	wantText(t, l.within().Error(), "m/:1:1: the manifest files have 73400320 bytes in all, and 67108864 are allowed")
	l.items = make([]item, maxFiles)
	if errs := l.within(); len(errs) > 0 {
		t.Errorf("at the bound: %v", errs)
	}
}

// Where one file changed, one file is read and parsed, and the folders that did not change are not read.
func TestOnlyWhatChangedIsRead(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"one/a.yaml": server, "two/b.yaml": second})
	s := mustOpen(t, repo, Options{})
	first := look(t, s)
	root := s.place.(*localRepo).walker.root
	commit(t, repo, tree{"one/a.yaml": server9, "two/b.yaml": second})
	next := look(t, s)
	if first.files["two/b.yaml"] != next.files["two/b.yaml"] || first.files["one/a.yaml"] == next.files["one/a.yaml"] {
		t.Error("the file that did not change was parsed again, or the other was not")
	}
	now := s.place.(*localRepo).walker.root
	if root.folders["two"] != now.folders["two"] || root.folders["one"] == now.folders["one"] {
		t.Error("the folder that did not change was read again, or the other was not")
	}
}

// A revision with the same manifests is a new revision with the same digest.
func TestSameManifestsSameDigest(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	s := mustOpen(t, repo, Options{})
	first := look(t, s)
	commit(t, repo, tree{"a.yaml": server, "README.md": "more"})
	if next := look(t, s); next.Revision == first.Revision || next.Digest != first.Digest {
		t.Errorf("first %+v, then %+v", *first, *next)
	}
}

// Back from a refused revision to the one in force: nothing is refused any more.
func TestARefusedRevisionThatWasTakenBack(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	good := commit(t, repo, tree{"a.yaml": server})
	s := mustOpen(t, repo, Options{})
	look(t, s)
	commit(t, repo, tree{"a.yaml": broken})
	refused := look(t, s)
	if refused.Refused == nil || look(t, s) != refused {
		t.Fatalf("%+v", *refused)
	}
	run(t, repo, "git", "reset", "-q", "--hard", good)
	if snap := look(t, s); snap.Refused != nil || snap.Revision != good {
		t.Errorf("%+v", *snap)
	}
}

// After a restart at a bad revision the last good one is in force, and the bad one is still shown.
func TestAStartAtABadRevision(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	good := commit(t, repo, tree{"a.yaml": server})
	commit(t, repo, tree{"a.yaml": broken})
	bad := commit(t, repo, tree{"a.yaml": broken, "b.yaml": second})
	for name, spec := range map[string]string{"local": repo, "remote": serveGit(t, repo).spec} {
		s := mustOpen(t, spec, Options{})
		snap := look(t, s)
		if snap.Revision != good || servers(snap) != "main 5.8.2" || snap.Refused == nil || snap.Refused.Revision != bad {
			t.Errorf("%s: %+v", name, *snap)
		}
		if look(t, s) != snap {
			t.Errorf("%s: a second look changed the state", name)
		}
	}
	_, err := Read(t.Context(), repo, Options{Branch: "main"})
	var invalid *Invalid
	if !errors.As(err, &invalid) || invalid.Revision != bad {
		t.Errorf("read once: %v", err)
	}
}

// After a restart at a revision without manifests the last one that has some is in force, as before the restart.
func TestAStartAtAnEmptyRevision(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	good := commit(t, repo, tree{"a.yaml": server})
	commit(t, repo, tree{"a.yaml": broken})
	empty := commit(t, repo, tree{})
	s := mustOpen(t, repo, Options{})
	snap := look(t, s)
	if snap.Revision != good || servers(snap) != "main 5.8.2" || snap.Refused == nil || snap.Refused.Revision != empty {
		t.Fatalf("%+v", *snap)
	}
	wantText(t, snap.Refused.Errors.Error(), "the revision holds no manifest, and the one in force holds 1")
	if look(t, s) != snap {
		t.Error("a second look changed the state")
	}
	commit(t, repo, tree{"a.yaml": broken})
	if snap := look(t, mustOpen(t, repo, Options{})); snap.Revision != good || snap.Refused == nil {
		t.Errorf("a bad revision after the empty one: %+v", *snap)
	}
}

func TestWalkOfNoCommit(t *testing.T) {
	var w walker
	if l, err := w.walk(t.Context(), nil, plumbing.ZeroHash); err != nil || len(l.items) != 0 || l.revision != "" {
		t.Errorf("%+v, %v", l, err)
	}
}
