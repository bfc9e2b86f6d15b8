package observe

import (
	"testing"

	"golang.org/x/sys/windows/registry"
)

// The tests write into the registry of the computer, under names of their own, and need an administrator for it.
func TestOwnerFindsProductsByTheirFolder(t *testing.T) {
	list, _, err := registry.CreateKey(registry.LOCAL_MACHINE, uninstall, registry.ALL_ACCESS|registry.WOW64_32KEY)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	const name = "LullTestProduct"
	key, _, err := registry.CreateKey(list, name, registry.ALL_ACCESS|registry.WOW64_32KEY)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		key.Close()
		if err := registry.DeleteKey(list, name); err != nil {
			t.Error(err)
		}
	}()
	if err := key.SetStringValue("InstallLocation", `C:\LullTest\Viewer\`); err != nil {
		t.Fatal(err)
	}
	if err := key.SetStringValue("DisplayName", "Viewer 5.8"); err != nil {
		t.Fatal(err)
	}
	check(t, `c:\lulltest\viewer`, "Viewer 5.8")
	check(t, `C:\LullTest`, "Viewer 5.8") // what is to be exchanged would hold it
	check(t, `C:\LullTest\Viewer2`, "")
	check(t, `C:\LullTest\Viewer\Exe`, "")
}

func TestOwnerFindsFoldersOfWindowsInstaller(t *testing.T) {
	key, existed, err := registry.CreateKey(registry.LOCAL_MACHINE, installerFolders, registry.ALL_ACCESS|registry.WOW64_64KEY)
	if err != nil {
		t.Fatal(err)
	}
	const folder = `C:\LullTest\By MSI\Exe\`
	t.Cleanup(func() {
		if err := key.DeleteValue(folder); err != nil {
			t.Error(err)
		}
		key.Close()
		if !existed {
			_ = registry.DeleteKey(registry.LOCAL_MACHINE, installerFolders) // not empty if somebody else used it meanwhile
		}
	})
	if err := key.SetStringValue(folder, ""); err != nil {
		t.Fatal(err)
	}
	check(t, `C:\LullTest\By MSI`, "Windows Installer")
	check(t, `C:\LullTest\By hand`, "")
}

func check(t *testing.T, dir, want string) {
	t.Helper()
	if got, err := Owner(dir); err != nil || got != want {
		t.Errorf("Owner(%s) = %q, %v; want %q", dir, got, err, want)
	}
}
