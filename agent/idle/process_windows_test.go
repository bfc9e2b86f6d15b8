package idle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func tellsCommandLines(*testing.T) bool {
	_, err := commandLine(os.Getpid())
	return err == nil
}

func TestPlacesFoldCase(t *testing.T) {
	p := newPlaces([]string{`C:\Program Files\Ⱥ Client`})
	for path, want := range map[string]bool{
		`c:\PROGRAM FILES\ⱥ client\exe\a.exe`: true,
		`C:\Program Files\Ⱥ Client`:           true,
		`C:\Program Files\Ⱥ Client 2\a.exe`:   false,
		`D:\Program Files\Ⱥ Client\a.exe`:     false,
	} {
		if got := p.hold(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestScanWithoutCase(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "Client")
	program := filepath.Join(folder, "viewer.exe")
	copySelf(t, program)
	start(t, exec.Command(program))
	got, err := Scan(t.Context(), Query{Folders: []string{strings.ToUpper(folder)}})
	if err != nil || len(got.Busy) != 1 || got.Busy[0].Why != Image {
		t.Errorf("%+v, %v; want one process by image", got, err)
	}
}

func TestPlain(t *testing.T) {
	for path, want := range map[string]string{
		`\\?\C:\a`:            `C:\a`,
		`\\?\UNC\server\a\b`:  `\\server\a\b`,
		`C:\a`:                `C:\a`,
		`\\server\share\file`: `\\server\share\file`,
	} {
		if got := plain(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
