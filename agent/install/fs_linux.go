package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
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
func (system) hold(program string) (held, error) {
	f, err := os.OpenFile(program, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return heldFile{f}, nil
}

type heldFile struct{ *os.File }

func (h heldFile) rename(to string) error { return os.Rename(h.Name(), to) }

// exchanges tries it out: some network and layered file systems cannot.
func (s system) exchanges(folder string) bool {
	a, b := filepath.Join(folder, "exchange-a"), filepath.Join(folder, "exchange-b")
	defer os.Remove(a)
	defer os.Remove(b)
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
// have got if it had been created where it is.
func (system) like(p place, counterpart string, executable bool) error {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return err
	}
	defer r.Close()
	name := filepath.FromSlash(p.path)
	info, err := r.Lstat(name)
	if err != nil {
		return err
	}
	if counterpart == "" {
		return r.Chmod(name, freshMode(info, executable))
	}
	model, err := os.Lstat(counterpart)
	if err != nil {
		return err
	}
	owner := model.Sys().(*syscall.Stat_t)
	if own := info.Sys().(*syscall.Stat_t); own.Uid != owner.Uid || own.Gid != owner.Gid {
		if err := r.Lchown(name, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	mode := model.Mode()
	if executable {
		mode |= mode & 0o444 >> 2 // who may read it may run it
	}
	if err := r.Chmod(name, mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	return copyAccess(r, name, counterpart)
}

func freshMode(info fs.FileInfo, executable bool) fs.FileMode {
	if info.IsDir() || executable {
		return 0o755
	}
	return 0o644
}

func copyAccess(r *os.Root, name, counterpart string) error {
	value := make([]byte, 64<<10) // the most that Linux stores
	for _, attribute := range accessNames() {
		n, err := unix.Lgetxattr(counterpart, attribute, value)
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			continue
		}
		if err == nil {
			err = setAttribute(r, name, attribute, value[:n])
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", attribute, err)
		}
	}
	return nil
}

func setAttribute(r *os.Root, name, attribute string, value []byte) error {
	f, err := r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fsetxattr(int(f.Fd()), attribute, value, 0), f.Close())
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
	if !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return fmt.Errorf("%s: %w", name, ErrInsecure)
	}
	if info.Mode().Perm() != 0o700 {
		return os.Chmod(name, 0o700)
	}
	return nil
}

// startFamily starts a command so that its end by the context ends its children too.
func startFamily(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return func() {}, cmd.Start()
}
