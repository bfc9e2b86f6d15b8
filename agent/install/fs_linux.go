package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"lull/internal/durable"
)

const (
	programMagic   = "\x7fELF"
	removeHeldLock = true // a locked file can be removed
)

func programByName(e entry) bool { return e.info.Mode()&0o111 != 0 }

func isRunning(err error) bool { return errors.Is(err, unix.ETXTBSY) }

func isSharing(error) bool { return false }

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// hold opens a program for writing, which fails while it runs and makes every start fail until it is closed.
func (system) hold(program place) (held, error) {
	r, err := os.OpenRoot(program.root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := r.OpenFile(filepath.FromSlash(program.path), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return heldFile{f, program}, nil
}

type heldFile struct {
	*os.File
	place place
}

func (h heldFile) fence() error {
	return system{}.rename(h.place.root, h.place.path, h.place.path+fencedEnding)
}

// exchanges tries it out: some network and layered file systems cannot.
func (s system) exchanges(folder string) bool {
	a, b := filepath.Join(folder, "exchange-a"), filepath.Join(folder, "exchange-b")
	tidy := func() { os.Remove(a); os.Remove(b) } // also what was left by an agent that was killed here
	tidy()
	defer tidy()
	if os.Mkdir(a, 0o700) != nil || os.Mkdir(b, 0o700) != nil {
		return false
	}
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) == nil
}

func (system) exchange(a, b string) error {
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		return err
	}
	return errors.Join(durable.SyncFolder(filepath.Dir(a)), durable.SyncFolder(filepath.Dir(b)))
}

// accessNames are the extended attributes that decide about access.
func accessNames() []string {
	return []string{"system.posix_acl_access", "system.posix_acl_default", "security.selinux"}
}

// like gives a file or folder the owner, mode and access list of its counterpart. Without one it gets what it would
// have got if it had been created where it is. It works on the opened file alone: where users may write, another name of
// another file may have taken its place.
func (system) like(p place, counterpart string, executable bool) error {
	f, err := openItself(p)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if counterpart == "" {
		return f.Chmod(freshMode(info, executable))
	}
	model, err := os.Lstat(counterpart)
	if err != nil {
		return err
	}
	owner := model.Sys().(*syscall.Stat_t)
	if own := info.Sys().(*syscall.Stat_t); own.Uid != owner.Uid || own.Gid != owner.Gid {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	mode := model.Mode()
	if executable {
		mode |= mode & 0o444 >> 2 // who may read it may run it
	}
	if err := f.Chmod(mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)); err != nil {
		return err
	}
	return copyAccess(f, counterpart)
}

// openItself opens a folder, or a file that has no other name, and follows no link in its place.
func openItself(p place) (*os.File, error) {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	name := filepath.FromSlash(p.path)
	named, err := r.Lstat(name)
	if err != nil {
		return nil, err
	}
	f, err := r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!os.SameFile(named, info) || !info.IsDir() && info.Sys().(*syscall.Stat_t).Nlink != 1) {
		err = fmt.Errorf("%s was replaced by a link", p)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func freshMode(info fs.FileInfo, executable bool) fs.FileMode {
	if info.IsDir() || executable {
		return 0o755
	}
	return 0o644
}

func copyAccess(f *os.File, counterpart string) error {
	value := make([]byte, 64<<10) // the most that Linux stores
	for _, attribute := range accessNames() {
		n, err := unix.Lgetxattr(counterpart, attribute, value)
		switch {
		case err == nil:
			err = unix.Fsetxattr(int(f.Fd()), attribute, value[:n], 0)
		case errors.Is(err, unix.ENODATA):
			err = removeAccess(f, attribute)
		case errors.Is(err, unix.ENOTSUP):
			err = nil
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", attribute, err)
		}
	}
	return nil
}

// removeAccess removes an access list that the folder above has given, and that the counterpart does not have.
func removeAccess(f *os.File, attribute string) error {
	err := unix.Fremovexattr(int(f.Fd()), attribute)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}

// clone makes out share the blocks of in; the file systems that can do it copy a block when it is written.
func clone(out, in *os.File) error { return unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) }

func freeSpace(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

func identify(name string) (identity, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return identity{}, err
	}
	s := info.Sys().(*syscall.Stat_t)
	return identity{Volume: uint64(s.Dev), File: s.Ino}, nil
}

func stampOf(name string) (stamp, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime().UnixNano(), info.Sys().(*syscall.Stat_t).Ctim.Nano()}, nil
}

// protectedFolder creates a folder that only this user may enter, or refuses one that another user could have made.
func protectedFolder(name string) error {
	err := os.Mkdir(name, 0o700)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || info.Mode()&0o022 != 0 {
		return fmt.Errorf("%s: %w", name, ErrInsecure)
	}
	if info.Mode().Perm() != 0o700 {
		return os.Chmod(name, 0o700)
	}
	return nil
}
