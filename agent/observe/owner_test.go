package observe

import "testing"

func TestCovers(t *testing.T) {
	const dir = `C:\Program Files\Viewer`
	for named, want := range map[string]bool{
		`C:\Program Files\Viewer`:      true,
		`c:\program files\VIEWER\`:     true,
		`C:/Program Files/Viewer/Exe/`: true,
		`C:\Program Files\Viewer 2\`:   false,
		`C:\Program Files\`:            false,
		`\`:                            false,
		"":                             false,
	} {
		if got := covers(named, dir); got != want {
			t.Errorf("covers(%q) = %v", named, got)
		}
	}
}
