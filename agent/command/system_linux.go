package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// whoElse says who beside root and this user could change a file or folder, "" if nobody could. A group counts as one of
// them if it has root's number or this user's own: by convention nobody else is in it.
func whoElse(name string, info fs.FileInfo, at position) (string, error) {
	own := uint32(os.Geteuid())
	s := info.Sys().(*syscall.Stat_t)
	if s.Uid != 0 && s.Uid != own {
		return fmt.Sprintf("user %d owns it", s.Uid), nil
	}
	if at != inside && info.Mode()&fs.ModeSticky != 0 { // its entries can be replaced by their owners alone
		return "", nil
	}
	switch {
	case info.Mode()&0o002 != 0:
		return "everybody may change it", nil
	case info.Mode()&0o020 == 0: // this is also the most that an access list may give to anybody
		return "", nil
	case s.Gid != 0 && s.Gid != own:
		return fmt.Sprintf("group %d may change it", s.Gid), nil
	}
	_, err := unix.Lgetxattr(name, "system.posix_acl_access", nil)
	switch {
	case err == nil:
		return "it has an access list that lets others change it", nil
	case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
		return "", nil
	}
	return "", &fs.PathError{Op: "read access list", Path: name, Err: err}
}

// runFamily runs a command in a process group of its own. When the command has ended, or its context, so has all that it
// started. The group is ended before its leader is waited for, while its number can be nobody else's.
func runFamily(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = end
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = end() // the leader is there, dead or alive
	return cmd.Wait()
}
