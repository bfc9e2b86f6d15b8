package observe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows/registry"
)

// Where Windows keeps what installers have done (documented for Uninstall; Folders holds one value for each folder that
// Windows Installer has made, named by its path).
const (
	installerFolders = `SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\Folders`
	uninstall        = `SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall`
)

func owner(dir string) (string, error) {
	product, err := productAt(dir)
	if err != nil || product != "" {
		return product, err
	}
	folders, err := open64(installerFolders)
	if errors.Is(err, registry.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", installerFolders, err)
	}
	defer folders.Close()
	names, err := folders.ReadValueNames(-1)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", installerFolders, err)
	}
	for _, name := range names {
		if covers(name, dir) {
			return "Windows Installer", nil
		}
	}
	return "", nil
}

func open64(path string) (registry.Key, error) {
	return registry.OpenKey(registry.LOCAL_MACHINE, path, registry.READ|registry.WOW64_64KEY)
}

// productAt looks through the list of programs, of 64 and of 32 bits, for one that is installed in the folder.
func productAt(dir string) (string, error) {
	for _, view := range []uint32{registry.WOW64_64KEY, registry.WOW64_32KEY} {
		list, err := registry.OpenKey(registry.LOCAL_MACHINE, uninstall, registry.READ|view)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read %s: %w", uninstall, err)
		}
		product, err := productIn(list, dir, view)
		list.Close()
		if err != nil || product != "" {
			return product, err
		}
	}
	return "", nil
}

func productIn(list registry.Key, dir string, view uint32) (string, error) {
	names, err := list.ReadSubKeyNames(-1)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", uninstall, err)
	}
	for _, name := range names {
		entry, err := registry.OpenKey(list, name, registry.READ|view)
		if err != nil {
			continue // removed in between, or not for anybody to read
		}
		location, _, _ := entry.GetStringValue("InstallLocation") // many products leave it out
		display, _, _ := entry.GetStringValue("DisplayName")
		entry.Close()
		if covers(location, dir) {
			if display == "" {
				display = name
			}
			return display, nil
		}
	}
	return "", nil
}
