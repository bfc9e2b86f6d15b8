// Package install changes one installation of a client, method "tree", in such a way that whatever happens (a crash, a
// power cut, a full disk, a client that is started at the worst moment) a whole old or a whole new tree stands there.
//
// An update is five calls: Recover leads whatever an earlier attempt left to a whole tree, Stage puts the complete and
// verified new tree into a folder beside the installation while the client may still run, Swap switches, Check proves
// the result or goes back, and Commit deletes the old tree. Discard gives a staged or returned release up. Each call
// may be repeated, and each may end with a *BusyError: somebody uses the client, nothing was changed, try again later.
//
// Everything beside the installation DIR lies in PARENT/.lull-BASE/, which only the service may read or run: lock,
// journal.json, target.json and baseline.json (the indexes of the new and the old tree), new/ and old/ (a tree that is
// not at DIR now), parts/ (downloads) and kept-UNIXTIME/ (user data from before an update, for 30 days). Trees are told
// apart by the identity that the journal holds, never by these names.
//
// What keeps the client from starting during the swap is the gate, a handle for writing on every program of the tree:
// a running program refuses it, and the system refuses to start a program while it is held. Where the system can
// exchange two folders in one step the swap is that step. Where it cannot (Windows), the programs are renamed aside
// for at most two seconds, the fence, because Windows renames no folder below which a handle is open. Nothing is ever
// copied over an installed file, and there are no hard links between the trees.
//
// The package trusts the indexes that it is given: the caller has verified them. It believes only hashes of files that
// it read back from the disk, and it runs only programs whose tree it has just hashed and nobody else can change (see
// package command). That the tree is such a one is made sure of before the swap: a release with a command is not staged
// for an installation that users may write to.
package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"lull/internal/release"
	"lull/schema"
)

// Blobs brings the content of files that the old tree does not have.
type Blobs interface {
	// Fetch writes the file's content to dst, verified by size and hash. It may resume from dst+".part".
	Fetch(ctx context.Context, file release.File, dst string) error
}

// Scanner returns nil if no process uses anything below the roots, else an error that says who does or why that could
// not be found out. This process does not count, which holds the lock and the programs open. A Scanner must not start a
// process: it runs under the gate.
type Scanner func(ctx context.Context, roots []string) error

// VersionReader reads the version of the tree at root out of a file, as source says. A version that a command prints is
// no matter of it.
type VersionReader func(root string, source schema.VersionSource) (schema.Version, error)

// Options are what an Installation needs from the agent. Scan and ReadVersion are required.
type Options struct {
	Scan        Scanner
	ReadVersion VersionReader
	Now         func() time.Time // default: time.Now
}

func (o *Options) validate() error {
	if o.Scan == nil || o.ReadVersion == nil {
		return errors.New("install: Options.Scan and Options.ReadVersion are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Installation is one installed tree with the folder beside it. It is for one goroutine, and worth keeping open: it
// remembers the hashes of files that did not change.
type Installation struct {
	dir     string // the installation
	staging string // the folder beside it
	options Options
	fs      fsys
	lock    *flock.Flock
	hashes  map[string]hashed         // by full path
	indexes map[string]*release.Index // of the journal, by digest
}

// Open takes the lock of the installation at the absolute path dir and creates the folder beside it. The error is
// ErrLocked if another agent works there. dir itself may be missing, since an interrupted swap may have moved it.
func Open(dir string, o Options) (*Installation, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	dir = filepath.Clean(dir)
	if !filepath.IsAbs(dir) || filepath.Dir(dir) == dir {
		return nil, fmt.Errorf("open installation %s: want the absolute path of a folder that is no root", dir)
	}
	i := &Installation{
		dir:     dir,
		staging: Beside(dir),
		options: o,
		fs:      system{},
		hashes:  map[string]hashed{},
		indexes: map[string]*release.Index{},
	}
	if err := i.acquire(); err != nil {
		return nil, fmt.Errorf("open installation %s: %w", dir, err)
	}
	return i, nil
}

// acquire retries once for each time that the file was removed by the agent that had it before (see Close).
func (i *Installation) acquire() error {
	for range 10 {
		if err := protectedFolder(i.staging); err != nil {
			return err
		}
		i.lock = flock.New(filepath.Join(i.staging, lockName), flock.SetPermissions(0o600))
		taken, err := i.lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !taken {
			return ErrLocked
		}
		if i.holdsNamedLock() {
			return nil
		}
		if err := i.lock.Close(); err != nil {
			return err
		}
	}
	return ErrLocked
}

// keepHold takes the lock anew if somebody has removed the folder beside the installation, and the lock with it.
func (i *Installation) keepHold() error {
	if i.holdsNamedLock() {
		return nil
	}
	if err := i.lock.Close(); err != nil {
		return err
	}
	return i.acquire()
}

// holdsNamedLock reports whether the locked file is still the one with the lock's name.
func (i *Installation) holdsNamedLock() bool {
	held, err := i.lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(i.lock.Path())
	return err == nil && os.SameFile(held, named)
}

// Close gives the lock back, and removes the folder beside the installation if nothing else is in it.
func (i *Installation) Close() error {
	entries, err := os.ReadDir(i.staging)
	if err == nil && len(entries) == 1 && removeHeldLock {
		err = os.Remove(i.lock.Path())
	}
	err = errors.Join(ignoreMissing(err), i.lock.Close())
	if len(entries) == 1 {
		if !removeHeldLock {
			os.Remove(i.lock.Path()) // refused, and rightly, if another agent has opened it meanwhile
		}
		os.Remove(i.staging) // not empty, and rightly left, if another agent has come meanwhile
	}
	return err
}

// The names in the folder beside the installation.
const (
	lockName     = "lock"
	journalName  = "journal.json"
	targetName   = "target.json"
	baselineName = "baseline.json"
	newName      = "new"
	oldName      = "old"
	partsName    = "parts"
	keptPrefix   = "kept-"
)

func (i *Installation) beside(name string) string { return filepath.Join(i.staging, name) }

// Staged returns the version of the complete, verified tree that waits beside the installation.
func (i *Installation) Staged() (schema.Version, bool) {
	j, err := i.load()
	if err != nil || j == nil || j.State != staged {
		return schema.Version{}, false
	}
	return j.target.Version, i.at(i.dir, j.Old) && i.at(i.beside(newName), j.New)
}
