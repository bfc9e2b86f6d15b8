package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	programMagic   = "MZ"
	removeHeldLock = false // an open file keeps its name
)

// programByName knows what Windows starts, loads or hands to an interpreter; the rest is known by its first bytes.
func programByName(e entry) bool {
	return slices.Contains([]string{
		".exe", ".dll", ".ocx", ".com", ".scr", ".cpl", ".drv", ".sys", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".wsf", ".msc", ".jar",
	}, strings.ToLower(path.Ext(e.path)))
}

// isRunning cannot tell a running program from one that somebody else has open: both are a reason to come back later.
func isRunning(err error) bool { return isSharing(err) }

func isSharing(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) ||
		errors.Is(err, windows.ERROR_USER_MAPPED_FILE)
}

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// open opens a file or folder itself, never what a link in its place points to.
func open(name string, access, share uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFile(p, access, share, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return h, nil
}

const (
	shareAll       = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	readAttributes = windows.FILE_READ_ATTRIBUTES
)

// hold opens a program for reading, writing and renaming and shares nothing: Windows refuses that for an image that is
// mapped, and refuses to map one that is open so. A read-only file could not be opened, whoever uses it; it stops
// being read-only.
func (s system) hold(program place) (held, error) {
	const access = windows.GENERIC_READ | windows.GENERIC_WRITE | windows.DELETE
	h, err := open(program.String(), access, 0)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && s.allowWriting(program) == nil {
		h, err = open(program.String(), access, 0)
	}
	if err != nil {
		return nil, err
	}
	path, err := finalPath(h)
	if err == nil {
		err = isBelow(path, program)
	}
	if err != nil {
		return nil, errors.Join(err, windows.CloseHandle(h))
	}
	return heldHandle{h, path}, nil
}

func (system) allowWriting(p place) error {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Chmod(filepath.FromSlash(p.path), 0o600)
}

// isBelow makes sure that no folder on the way to p has become a link out of its root.
func isBelow(path string, p place) error {
	h, err := open(p.root, readAttributes, shareAll)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	root, err := finalPath(h)
	if err == nil && !strings.EqualFold(path, filepath.Join(root, filepath.FromSlash(p.path))) {
		err = fmt.Errorf("%s is a link to %s", p, path)
	}
	return err
}

// finalPath is the path of an open file without links and short names.
func finalPath(h windows.Handle) (string, error) {
	buffer := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(h, &buffer[0], uint32(len(buffer)), 0)
	return windows.UTF16ToString(buffer[:min(int(n), len(buffer))]), err
}

type heldHandle struct {
	windows.Handle
	path string
}

func (h heldHandle) Close() error { return windows.CloseHandle(h.Handle) }

// fence fills in a FILE_RENAME_INFO, which no package declares.
func (h heldHandle) fence() error {
	to := h.path + fencedEnding
	name, err := windows.UTF16FromString(to)
	if err != nil {
		return err
	}
	type renameInfo struct {
		replaceIfExists uint32
		rootDirectory   windows.Handle
		fileNameLength  uint32
		fileName        [1]uint16
	}
	offset := unsafe.Offsetof(renameInfo{}.fileName)
	buffer := make([]uint64, (int(offset)+2*len(name)+7)/8) // of numbers, so that it is aligned
	info := (*renameInfo)(unsafe.Pointer(&buffer[0]))
	info.fileNameLength = uint32(2 * (len(name) - 1))
	copy(unsafe.Slice(&info.fileName[0], len(name)), name)
	err = windows.SetFileInformationByHandle(h.Handle, windows.FileRenameInfo, (*byte)(unsafe.Pointer(&buffer[0])), uint32(8*len(buffer)))
	if err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	return nil
}

func (system) exchanges(string) bool { return false }

func (system) exchange(string, string) error { return errors.ErrUnsupported }

// like gives a file or folder the owner and access list of its counterpart, entry by entry, inherited ones included:
// the installed folder has the same parent as its counterpart. Without one it inherits from the folder it is in.
func (system) like(p place, counterpart string, _ bool) error {
	if counterpart == "" {
		return inherit(p.String())
	}
	const owner, list = windows.OWNER_SECURITY_INFORMATION | windows.GROUP_SECURITY_INFORMATION, windows.DACL_SECURITY_INFORMATION
	sd, err := windows.GetNamedSecurityInfo(counterpart, windows.SE_FILE_OBJECT, owner|list)
	if err != nil {
		return &fs.PathError{Op: "read access list", Path: counterpart, Err: err}
	}
	// Without this bit Windows forgets that the entries were inherited.
	if err := sd.SetControl(windows.SE_DACL_AUTO_INHERIT_REQ, windows.SE_DACL_AUTO_INHERIT_REQ); err != nil {
		return err
	}
	if h, err := open(p.String(), windows.WRITE_DAC|windows.WRITE_OWNER, shareAll); err == nil {
		err = windows.SetKernelObjectSecurity(h, owner|list, sd)
		if errors.Join(err, windows.CloseHandle(h)) == nil {
			return nil
		}
	}
	// An owner that this account may not set changes nothing about who has access.
	h, err := open(p.String(), windows.WRITE_DAC, shareAll)
	if err != nil {
		return err
	}
	if err := errors.Join(windows.SetKernelObjectSecurity(h, list, sd), windows.CloseHandle(h)); err != nil {
		return &fs.PathError{Op: "set access list", Path: p.String(), Err: err}
	}
	return nil
}

// inherit removes all entries of its own from an access list, so that Windows fills it from the folder above.
func inherit(name string) error {
	sd, err := windows.SecurityDescriptorFromString("D:")
	if err != nil {
		return err
	}
	empty, _, err := sd.DACL()
	if err != nil || empty == nil { // no list at all would let everybody in
		return fmt.Errorf("make an empty access list: %w", errors.Join(err, windows.ERROR_INVALID_ACL))
	}
	err = windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.UNPROTECTED_DACL_SECURITY_INFORMATION, nil, nil, empty, nil)
	if err != nil {
		return &fs.PathError{Op: "set access list", Path: name, Err: err}
	}
	return nil
}

func clone(*os.File, *os.File) error { return errors.ErrUnsupported }

func freeSpace(folder string) (int64, error) {
	p, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	return int64(free), nil
}

func identify(name string) (identity, error) {
	info, _, err := look(name)
	return identity{uint64(info.VolumeSerialNumber), uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)}, err
}

func stampOf(name string) (stamp, error) {
	info, changed, err := look(name)
	return stamp{int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow), info.LastWriteTime.Nanoseconds(), changed.Nanoseconds()}, err
}

// look asks for what Windows tells of an open file only.
func look(name string) (info windows.ByHandleFileInformation, changed windows.Filetime, err error) {
	h, err := open(name, readAttributes, shareAll)
	if err != nil {
		return info, changed, err
	}
	defer windows.CloseHandle(h)
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return info, changed, &fs.PathError{Op: "look at", Path: name, Err: err}
	}
	var basic struct { // FILE_BASIC_INFO, whose numbers are aligned
		creation, access, write, change int64
		attributes                      uint32
	}
	err = windows.GetFileInformationByHandleEx(h, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&basic)), uint32(unsafe.Sizeof(basic)))
	if err != nil {
		return info, changed, &fs.PathError{Op: "look at", Path: name, Err: err}
	}
	return info, windows.Filetime{LowDateTime: uint32(basic.change), HighDateTime: uint32(basic.change >> 32)}, nil
}

// serviceOnly lets the system and administrators in, and nobody else, and inherits nothing.
const serviceOnly = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"

// protectedFolder creates a folder that only the service may enter, or refuses one that another user could have made.
func protectedFolder(name string) error {
	sd, err := windows.SecurityDescriptorFromString(serviceOnly)
	if err != nil {
		return err
	}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	attributes := &windows.SecurityAttributes{SecurityDescriptor: sd}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	err = windows.CreateDirectory(p, attributes)
	if err == nil {
		return nil
	}
	if !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return &fs.PathError{Op: "create", Path: name, Err: err}
	}
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if ours, err := ownedByService(name); err != nil || !ours || !info.IsDir() {
		return fmt.Errorf("%s: %w", name, errors.Join(err, ErrInsecure))
	}
	list, _, err := sd.DACL()
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil)
}

// ownedByService also accepts the user that the agent runs as, for an agent in the foreground.
func ownedByService(name string) (bool, error) {
	sd, err := windows.GetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return false, err
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return false, err
	}
	if owner.IsWellKnown(windows.WinLocalSystemSid) || owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) {
		return true, nil
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	return err == nil && owner.Equals(user.User.Sid), err
}
