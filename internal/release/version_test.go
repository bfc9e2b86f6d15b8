package release

import (
	"testing"

	"lull/internal/fileversion/programtest"
	"lull/schema"
)

func TestAWindowsReleaseIsComparedWithItsProgram(t *testing.T) {
	d := Description{Client: "viewer", Version: schema.MustVersion("5.8.1"), System: "windows",
		Platform: schema.Platform{Version: schema.VersionSource{FileVersion: `exe\viewer.exe`, Parts: 3}}}
	dir := tree(t, map[string]string{"Exe/viewer.exe": string(programtest.Program(t, [4]uint16{5, 8, 1, 77}))})
	s := openStore(t, t.TempDir())
	if _, err := s.Add(t.Context(), dir, d); err != nil {
		t.Error(err)
	}
	d.Version = schema.MustVersion("5.8.2")
	_, err := s.Add(t.Context(), dir, d)
	wantError(t, err, "Exe/viewer.exe says version 5.8.1.77 (5.8.1 of it counts), not 5.8.2")
}
