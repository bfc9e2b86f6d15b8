// Package lull_test holds the rules of the tree that no compiler checks.
//
// Each test is one rule, and each failure gives the rule's reason, because a rule that nobody can argue with is soon
// worked around. The rules are few and about structure: which package may know which, what every package says about
// itself, and what would make a program hard to test. Whoever finds a rule wrong changes it here, with the new reason.
package lull_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "lull"

// pkg is a package of the tree on one system, as go list tells it.
type pkg struct {
	Dir, ImportPath, Name string
	GoFiles               []string
	Imports, Deps         []string
}

// under reports whether the package is the named one, relative to the module, or lies below it.
func (p pkg) under(name string) bool { return under(p.ImportPath, module+"/"+name) }

func under(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }

// The tree on each system, listed once. Packages without anything but tests are left out.
var (
	onLinux   = sync.OnceValues(func() ([]pkg, error) { return list("linux") })
	onWindows = sync.OnceValues(func() ([]pkg, error) { return list("windows") })
)

func packages(t *testing.T, system string) []pkg {
	t.Helper()
	listing := onLinux
	if system == "windows" {
		listing = onWindows
	}
	all, err := listing()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func list(system string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,Name,GoFiles,Imports,Deps", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", system, err)
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// eachSystem runs a test for each system that Lull is built for.
func eachSystem(t *testing.T, test func(t *testing.T, all []pkg)) {
	for _, system := range []string{"linux", "windows"} {
		t.Run(system, func(t *testing.T) { test(t, packages(t, system)) })
	}
}

func TestImportDirections(t *testing.T) {
	rules := []struct {
		of     string
		only   []string // packages of the tree that may be imported, beside those below itself; nil: all but never
		never  []string
		reason string
	}{
		{"schema", []string{}, nil, "the language of manifests is the ground that all else stands on"},
		{"reconciler", []string{"schema"}, nil, "a decision that depends on nothing but manifests and facts can be previewed, tested and trusted"},
		{"manifests", []string{"schema"}, nil, "where manifests live must not depend on what is made of them"},
		{"agent", nil, []string{"server", "cmd"}, "what runs on every workstation with every right must stay small, and speak to the server by package wire only"},
		{"server", nil, []string{"agent", "cmd"}, "the server knows agents by what they say, never by how they work"},
		{"internal", []string{"internal", "schema", "reconciler"}, nil, "what everybody shares may not drag in what only some need"},
		{"examples", []string{}, nil, "an example stands alone"},
	}
	eachSystem(t, func(t *testing.T, all []pkg) {
		for _, rule := range rules {
			for _, p := range all {
				if !p.under(rule.of) {
					continue
				}
				for _, path := range p.Imports {
					if under(path, module) && !allowed(path, rule.of, rule.only, rule.never) {
						t.Errorf("%s imports %s: %s", p.ImportPath, path, rule.reason)
					}
				}
			}
		}
	})
}

func allowed(path, of string, only, never []string) bool {
	is := func(name string) bool { return under(path, module+"/"+name) }
	if is(of) {
		return true
	}
	if only != nil {
		return slices.ContainsFunc(only, is)
	}
	return !slices.ContainsFunc(never, is)
}

func TestInternalPackagesAreLeaves(t *testing.T) {
	knowing := []string{"internal/wire", "internal/release", "internal/words", "internal/fileversion"} // what is said of decisions and releases
	eachSystem(t, func(t *testing.T, all []pkg) {
		for _, p := range all {
			if !p.under("internal") || slices.ContainsFunc(knowing, p.under) {
				continue
			}
			for _, path := range p.Imports {
				if under(path, module) && !under(path, p.ImportPath) {
					t.Errorf("%s imports %s: a tool that everybody uses must not know what it is used for", p.ImportPath, path)
				}
			}
		}
	})
}

func TestWhatTheAgentLinks(t *testing.T) {
	eachSystem(t, func(t *testing.T, all []pkg) {
		at := slices.IndexFunc(all, func(p pkg) bool { return p.under("cmd/lull-agent") })
		if at < 0 {
			t.Fatal("there is no cmd/lull-agent")
		}
		for _, path := range all[at].Deps {
			if path == "database/sql" || path == "html/template" || under(path, module+"/server") {
				t.Errorf("lull-agent links %s: it rests in ten megabytes on every workstation and has no use for it", path)
			}
		}
	})
}

// file is one parsed file of a package, tests excepted.
type file struct {
	pkg  pkg
	path string
	set  *token.FileSet
	tree *ast.File
}

// files parses the tree; a file that is built for both systems comes once.
func files(t *testing.T) []file {
	t.Helper()
	var all []file
	seen := map[string]bool{}
	for _, p := range append(packages(t, "linux"), packages(t, "windows")...) {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			if seen[path] {
				continue
			}
			seen[path] = true
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, file{p, path, set, tree})
		}
	}
	return all
}

func (f file) at(n ast.Node) string {
	p := f.set.Position(n.Pos())
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, p.Filename); err == nil {
			p.Filename = rel
		}
	}
	return p.String()
}

// call is the qualified name that a call expression calls, such as os.Exit; "" if it has none.
func call(n ast.Node) string {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		if id, ok := c.Fun.(*ast.Ident); ok {
			return id.Name
		}
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return "." + s.Sel.Name
}

var sentence = regexp.MustCompile(`[.!?:](\s|$)`)

func TestPackagesExplainThemselves(t *testing.T) {
	const least = 3
	text := map[string]string{}
	for _, f := range files(t) {
		text[f.pkg.ImportPath] += f.tree.Doc.Text()
	}
	for path, doc := range text {
		if n := len(sentence.FindAllString(doc, -1)); n < least {
			t.Errorf("the comment of package %s has %d sentences: a newcomer needs %d to know what it is for, what it trusts and what it never does",
				path, n, least)
		}
	}
}

func TestNoHiddenEndsAndStarts(t *testing.T) {
	ends := []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln"}
	for _, f := range files(t) {
		if f.pkg.Name == "main" {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if n != nil && slices.Contains(ends, call(n)) {
				t.Errorf("%s calls %s: only a command may end the process, else nobody can tidy up or test", f.at(n), call(n))
			}
			if d, ok := n.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
				t.Errorf("%s declares init: what happens by importing a package is what nobody looks for", f.at(n))
			}
			return true
		})
	}
}

// constant are the calls whose results, kept in a package variable, are as good as constants.
var constant = regexp.MustCompile(`^(errors\.New|fmt\.Errorf|regexp\.MustCompile|template\.Must|strings\.NewReplacer|` +
	`(windows|syscall)\.NewLazy(System)?DLL|\.?\w*\.?(NewProc|MustFindProc)|schema\.MustVersion|MustVersion|sync\.OnceValues?)$`)

func TestNoMutablePackageVariables(t *testing.T) {
	for _, f := range files(t) {
		for _, decl := range f.tree.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				if v := spec.(*ast.ValueSpec); !immutable(f, d, v) {
					t.Errorf("%s declares the variable %s: state of a package is shared by all tests and all parts; make it a constant, a field or a function",
						f.at(v), v.Names[0].Name)
				}
			}
		}
	}
}

// immutable reports whether a package variable is one of those that nothing changes.
func immutable(f file, d *ast.GenDecl, v *ast.ValueSpec) bool {
	comment := d.Doc
	if v.Doc != nil {
		comment = v.Doc
	}
	embedded := comment != nil && slices.ContainsFunc(comment.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
	if embedded || v.Names[0].Name == "_" || f.pkg.under("internal/build") {
		return true
	}
	return len(v.Values) > 0 && !slices.ContainsFunc(v.Values, func(e ast.Expr) bool { return !constant.MatchString(call(e)) })
}

func TestDecisionsArePure(t *testing.T) {
	imports := []string{"os", "net", "log", "log/slog", "net/http", "os/exec", "io/fs", "path/filepath"}
	impure := regexp.MustCompile(`^(time\.(Now|Since|Until|Sleep|After|Tick|NewTimer|NewTicker)|fmt\.(P|Fp)rint(f|ln)?|print|println)$`)
	for _, f := range files(t) {
		if !f.pkg.under("reconciler") {
			continue
		}
		for _, i := range f.tree.Imports {
			if path := strings.Trim(i.Path.Value, `"`); slices.Contains(imports, path) {
				t.Errorf("%s imports %s: a decision depends on its arguments alone, so that preview, server and agent agree", f.at(i), path)
			}
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if n != nil && impure.MatchString(call(n)) {
				t.Errorf("%s calls %s: the clock and the output are the caller's, so that preview, server and agent agree", f.at(n), call(n))
			}
			return true
		})
	}
}

// A line of README's map begins like "| `agent/idle` |".
var mapLine = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

func TestReadmeMapsTheTree(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "<!-- map -->")
	table, _, closed := strings.Cut(rest, "<!-- /map -->")
	if !ok || !closed {
		t.Fatal("README.md has no <!-- map --> … <!-- /map -->")
	}
	var listed []string
	for _, match := range mapLine.FindAllStringSubmatch(table, -1) {
		listed = append(listed, strings.Trim(match[1], "/"))
	}
	there := map[string]bool{}
	for _, p := range append(packages(t, "linux"), packages(t, "windows")...) {
		there[strings.TrimPrefix(p.ImportPath, module+"/")] = true
	}
	for name := range there {
		if !slices.Contains(listed, name) {
			t.Errorf("README's map lacks %s: a newcomer should know the whole tree in a minute", name)
		}
	}
	for _, name := range listed {
		if !there[name] {
			t.Errorf("README's map lists %s, which is no package: a map of what is not there misleads", name)
		}
	}
}

var (
	lineOfGo = regexp.MustCompile(`[A-Za-z0-9_]\.go:[0-9]+`)
	ownPath  = regexp.MustCompile(`(^|[\s("'` + "`" + `=])(/work/|/root/|/home/[a-z]|/Users/|C:\\Users\\[A-Za-z])`)
)

func TestProseStaysTrue(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "bin"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		checkProse(t, path, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files(t) {
		for _, c := range f.tree.Comments {
			checkProse(t, f.at(c), c.Text())
		}
	}
}

func checkProse(t *testing.T, where, text string) {
	if found := lineOfGo.FindString(text); found != "" {
		t.Errorf("%s names a line (%s): the next change makes that wrong; name a function", where, found)
	}
	if found := ownPath.FindString(text); found != "" {
		t.Errorf("%s names a path of one machine (%s): nobody else has it", where, strings.TrimSpace(found))
	}
}
