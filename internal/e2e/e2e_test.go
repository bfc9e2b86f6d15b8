package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// programs are what the scripts run, by the package that they are built from.
var programs = [...]struct{ name, pkg string }{
	{"lull", "lull/cmd/lull"},
	{"lull-agent", "lull/cmd/lull-agent"},
	{"lull-demo-client", "lull/examples/demo/client"},
}

func TestScripts(t *testing.T) {
	testscript.Run(t, params(t, "testdata/script", buildPrograms(t, runtime.GOOS)))
}

// TestWineScripts needs what wine.sh prints; make test-windows, and so CI, sets it.
func TestWineScripts(t *testing.T) {
	if os.Getenv("LULL_WINE") == "" {
		t.Skip("LULL_WINE is not set: make test-windows runs these scripts")
	}
	p := params(t, "testdata/wine", buildPrograms(t, runtime.GOOS), buildPrograms(t, "windows"))
	var err error
	if p.WorkdirRoot, err = os.MkdirTemp(driveC(), "lull-test-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(p.WorkdirRoot); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, p)
}

// driveC is where the scripts for Wine work, which call it $DISK: the folder for temporary files is open to everybody, as
// Wine tells it, so that an agent updates nothing below it.
func driveC() string { return filepath.Join(os.Getenv("WINEPREFIX"), "drive_c") }

// buildPrograms builds every program for a system and returns their folder. For Windows lull itself, which runs
// natively beside Wine, is left out.
func buildPrograms(t *testing.T, system string) string {
	t.Helper()
	dependOnTree(t)
	dir := t.TempDir()
	for _, p := range programs {
		args, file := []string{"build"}, filepath.Join(dir, p.name)
		if system == "windows" {
			if p.name == "lull" {
				continue
			}
			args, file = append(args, "-overlay", os.Getenv("LULL_OVERLAY")), file+".exe"
		}
		cmd := exec.Command("go", append(args, "-o", file, p.pkg)...)
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s for %s: %v\n%s", p.pkg, system, err, out)
		}
	}
	return dir
}

// dependOnTree looks at every folder of the tree. Go does not know what the programs are built from, and would show an
// old result again after they changed; what a test looks at counts as what its result depends on.
func dependOnTree(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && (e.Name() == ".git" || e.Name() == "bin") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// params are the parameters of all scripts in a folder, which find the programs in bins.
func params(t *testing.T, dir string, bins ...string) testscript.Params {
	scripts, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts in %s (%v)", dir, err)
	}
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return setup(env, bins) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "end": end, "wait-end": waitEnd, "wait-for": waitFor, "wait-log": waitLog,
			"free-port": freePort, "json": checkJSON, "setenv-file": setenvFile, "zip": writeZip,
		},
	}
}

// setup gives a script a home of its own and puts the programs on its PATH. $BIN is their folder, and $WINBIN that of
// those for Windows, for scripts that install them.
func setup(env *testscript.Env, bins []string) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	path := env.Getenv("PATH")
	for i, bin := range bins {
		path = bin + string(filepath.ListSeparator) + path
		env.Setenv([...]string{"BIN", "WINBIN"}[i], bin)
	}
	env.Setenv("PATH", path)
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	for _, name := range []string{"LULL_WINE", "WINEPREFIX", "WINEARCH", "WINEDEBUG", "WINEDLLOVERRIDES"} {
		env.Setenv(name, os.Getenv(name))
	}
	if below, ok := strings.CutPrefix(env.WorkDir, driveC()); ok {
		env.Setenv("DISK", "C:"+below)
	}
	served := &services{running: map[string]*service{}, dir: env.WorkDir}
	env.Values[servicesKey{}] = served
	env.Defer(func() {
		if err := served.end(); err != nil {
			env.T().Fatal(fmt.Sprint(err))
		}
	})
	return nil
}
