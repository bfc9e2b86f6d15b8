package idle

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// stillActive is the exit code of a process that has not ended (STILL_ACTIVE).
const stillActive = 259

// moduleTries is how often a list of modules is asked for that changes while it is made, as Microsoft's page on
// CreateToolhelp32Snapshot demands.
const moduleTries = 5

// toolhelp asks Windows directly; its buffer holds the longest path there is.
type toolhelp struct {
	buffer []uint16
}

func newSystem() system { return &toolhelp{buffer: make([]uint16, windows.MAX_LONG_PATH)} }

// finalPath resolves short names, links and drive letters that stand for folders.
func finalPath(folder string) (string, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return "", err
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, 0, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return "", err
	}
	defer windows.CloseHandle(h)
	buffer := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(h, &buffer[0], uint32(len(buffer)), 0)
	if err != nil {
		return "", err
	}
	return plain(windows.UTF16ToString(buffer[:min(int(n), len(buffer))])), nil
}

// plain takes the prefix of long paths away.
func plain(path string) string {
	if rest, ok := strings.CutPrefix(path, `\\?\UNC\`); ok {
		return `\\` + rest
	}
	return strings.TrimPrefix(path, `\\?\`)
}

// system processes that have no image: System Idle Process and System.
const (
	idlePID   = 0
	systemPID = 4
)

func (s *toolhelp) list(into []process) ([]process, error) {
	h, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return into, err
	}
	defer windows.CloseHandle(h)
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(h, &entry); err == nil; err = windows.Process32Next(h, &entry) {
		if entry.ProcessID != idlePID && entry.ProcessID != systemPID {
			into = append(into, process{
				pid:    int(entry.ProcessID),
				parent: int(entry.ParentProcessID),
				name:   windows.UTF16ToString(entry.ExeFile[:]),
			})
		}
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return into, err
	}
	return into, nil
}

// with calls do with a handle that may ask for little more than the name, which all but a few processes grant.
func with(pid int, do func(windows.Handle) error) error {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return classify(err)
	}
	defer windows.CloseHandle(h)
	if err := do(h); err != nil {
		var code uint32
		if windows.GetExitCodeProcess(h, &code) == nil && code != stillActive {
			return errGone
		}
		return classify(err)
	}
	return nil
}

func (s *toolhelp) image(pid int) (image string, err error) {
	err = with(pid, func(h windows.Handle) error {
		n := uint32(len(s.buffer))
		if err := windows.QueryFullProcessImageName(h, 0, &s.buffer[0], &n); err != nil {
			return err
		}
		image = plain(windows.UTF16ToString(s.buffer[:n]))
		return nil
	})
	if err != nil || !strings.Contains(image, "~") {
		return image, err
	}
	return long(image), nil
}

// long replaces short names such as CUSTOM~1; a path that is not there any more stays as it is.
func long(path string) string {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return path
	}
	buffer := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetLongPathName(name, &buffer[0], uint32(len(buffer)))
	if err != nil || int(n) > len(buffer) {
		return path
	}
	return windows.UTF16ToString(buffer[:n])
}

func (s *toolhelp) file(_ int, image string) (fs.FileInfo, error) { return os.Stat(image) }

func (s *toolhelp) detail(pid int) (session int, since time.Time) {
	var id uint32
	if windows.ProcessIdToSessionId(uint32(pid), &id) == nil {
		session = int(id)
	}
	var started, ended, kernel, user windows.Filetime
	err := with(pid, func(h windows.Handle) error {
		return windows.GetProcessTimes(h, &started, &ended, &kernel, &user)
	})
	if err == nil {
		since = time.Unix(0, started.Nanoseconds())
	}
	return session, since
}

// inside finds loaded libraries and paths on the command line. Windows does not tell an onlooker the working folder or
// the open files of another process; both keep the folder from being renamed, and so show in the swap itself.
func (s *toolhelp) inside(ctx context.Context, pid int, holds places) (Why, error) {
	if line, err := commandLine(pid); err == nil && holds.named(line) {
		return CommandLine, nil
	}
	used, err := s.mapped(ctx, pid, holds)
	if used {
		return Mapped, nil
	}
	return "", err
}

// commandLine is the command line where Windows tells it (8.1 and later); the lack of it is no failure, because the
// image was judged already.
func commandLine(pid int) (line string, err error) {
	err = with(pid, func(h windows.Handle) error {
		var size uint32
		err := windows.NtQueryInformationProcess(h, windows.ProcessCommandLineInformation, nil, 0, &size)
		if size < uint32(unsafe.Sizeof(windows.NTUnicodeString{})) {
			return errors.Join(errors.ErrUnsupported, err)
		}
		buffer := make([]uint64, (size+7)/8) // aligned as the structure needs
		err = windows.NtQueryInformationProcess(h, windows.ProcessCommandLineInformation, unsafe.Pointer(&buffer[0]), size, &size)
		if err == nil {
			line = (*windows.NTUnicodeString)(unsafe.Pointer(&buffer[0])).String()
		}
		return err
	})
	return line, err
}

func (s *toolhelp) mapped(ctx context.Context, pid int, holds places) (bool, error) {
	h, err := modules(ctx, pid)
	if err != nil {
		return false, classify(err)
	}
	defer windows.CloseHandle(h)
	entry := windows.ModuleEntry32{Size: uint32(unsafe.Sizeof(windows.ModuleEntry32{}))}
	for err = windows.Module32First(h, &entry); err == nil; err = windows.Module32Next(h, &entry) {
		if holds.hold(plain(windows.UTF16ToString(entry.ExePath[:]))) {
			return true, nil
		}
	}
	if errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return false, nil
	}
	return false, classify(err)
}

// modules takes the list of what a process has loaded.
func modules(ctx context.Context, pid int) (h windows.Handle, err error) {
	for range moduleTries {
		h, err = windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPMODULE|windows.TH32CS_SNAPMODULE32, uint32(pid))
		if !errors.Is(err, windows.ERROR_BAD_LENGTH) || ctx.Err() != nil {
			return h, err
		}
	}
	return h, err
}

// classify tells a process that has ended and one that hides from what is wrong with the system. ERROR_PARTIAL_COPY is
// what a process gives that is just starting or ending: its image was judged, and it has loaded next to nothing.
func classify(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_INVALID_PARAMETER), errors.Is(err, windows.ERROR_NOT_FOUND):
		return errGone
	case errors.Is(err, windows.ERROR_ACCESS_DENIED), errors.Is(err, windows.ERROR_PARTIAL_COPY),
		errors.Is(err, windows.ERROR_GEN_FAILURE):
		return errDenied
	}
	return err
}
