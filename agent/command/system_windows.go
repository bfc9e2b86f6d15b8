package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// whoElse says who beside the service and this user could change a file or folder, "" if nobody could.
func whoElse(name string, _ fs.FileInfo, at position) (string, error) {
	list, err := readAccess(name)
	if err != nil {
		return "", &fs.PathError{Op: "read access list", Path: name, Err: err}
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("ask who this user is: %w", err)
	}
	return list.others(at, user.User.Sid.String()), nil
}

// readAccess reads of the file or folder itself, never of what a link in its place points to.
func readAccess(name string) (accessList, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return accessList{}, err
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(p, windows.READ_CONTROL, share, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return accessList{}, err
	}
	defer windows.CloseHandle(h)
	sd, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return accessList{}, err
	}
	return toAccessList(sd)
}

func toAccessList(sd *windows.SECURITY_DESCRIPTOR) (l accessList, err error) {
	owner, _, err := sd.Owner()
	if err != nil {
		return l, err
	}
	l.owner = owner.String()
	dacl, _, err := sd.DACL()
	if errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) || err == nil && dacl == nil {
		l.none = true
		return l, nil
	}
	if err != nil {
		return l, err
	}
	for n := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, n, &ace); err != nil {
			return l, err
		}
		e := accessEntry{kind: ace.Header.AceType, flags: ace.Header.AceFlags}
		if e.kind == allow || e.kind == allowCallback { // the others may have another layout
			e.mask, e.who = uint32(ace.Mask), (*windows.SID)(unsafe.Pointer(&ace.SidStart)).String()
		}
		l.entries = append(l.entries, e)
	}
	return l, nil
}

// runFamily runs a command in a job. When the command has ended, or its context, so has all that it started.
func runFamily(cmd *exec.Cmd) (err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return fmt.Errorf("create a job: %w", err)
	}
	defer windows.CloseHandle(job)
	end := func() error { return windows.TerminateJobObject(job, 1) }
	cmd.Cancel = end
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := waitInJob(job, uint32(cmd.Process.Pid)); err != nil {
		return errors.Join(fmt.Errorf("put it into a job: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	_ = end() // whoever is left holds the output open
	return cmd.Wait()
}

// waitInJob puts a process into a job and waits for its end. One that has ended already needs no job.
func waitInJob(job windows.Handle, pid uint32) error {
	p, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE|windows.SYNCHRONIZE, false, pid)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(p)
	if err := windows.AssignProcessToJobObject(job, p); err != nil {
		if ended, _ := windows.WaitForSingleObject(p, 0); ended != windows.WAIT_OBJECT_0 {
			return err
		}
	}
	_, err = windows.WaitForSingleObject(p, windows.INFINITE)
	return err
}
