package server

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/schema"
	"lull/server/pki"
)

// upload stores a release of the viewer, whose only file is VERSION.
func (r *running) upload(version string) (ref release.Ref) {
	r.t.Helper()
	content := version + "\n"
	blob, err := release.BlobPath(release.Digest([]byte(content)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.do(http.StatusCreated, http.MethodPost, "/api/v1/releases", archive(r.t, "index.json", viewerIndex(version, content), blob, content), &ref)
	return ref
}

// viewerIndex is the index of a release of the viewer with one file, VERSION.
func viewerIndex(version, content string) string {
	index := release.Index{
		Client: "viewer", Version: schema.MustVersion(version), System: "linux", Method: schema.MethodTree,
		Files: []release.File{{Path: "VERSION", Size: int64(len(content)), SHA256: release.Digest([]byte(content))}},
		Read:  schema.VersionSource{File: "VERSION"},
	}
	return string(index.Encode())
}

// archive is a tar stream of name, content, name, content.
func archive(t testing.TB, entries ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i+1 < len(entries); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: entries[i], Mode: 0o600, Size: int64(len(entries[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(entries[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The whole way: manifests, a release, an agent that asks where to look, reports, is told what to run, and downloads it.
func TestFromManifestToWorkstation(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	ref := r.upload("5.8.1")
	a := r.agent(r.enrolment(), "pc-1")

	first := a.checkin(wire.Checkin{Facts: map[string]string{wire.FactHost: "pc-1", wire.FactSystem: "linux"}})
	if len(first.Clients) != 1 || first.Clients[0].Name != "viewer" || len(first.Desired) != 0 {
		t.Fatalf("the first reply does not say where to look: %+v", first)
	}
	second := a.checkin(a.report("CARD 1", "5.8.0"))
	if len(second.Desired) != 1 || second.Desired[0].Managed {
		t.Fatalf("before a version is set: %+v", second.Desired)
	}

	var plan wire.Plan
	r.do(http.StatusOK, http.MethodPost, "/api/v1/version", wire.SetVersion{Client: "viewer", Version: "5.8.1", Workstations: []string{"card 1"}, Reason: "CHG-1"}, &plan)
	if !plan.Applied || len(plan.Effects) != 1 || plan.Effects[0].After.String() != "5.8.1" {
		t.Fatalf("plan: %+v", plan)
	}
	third := a.checkin(a.report("CARD 1", "5.8.0"))
	if d := third.Desired[0]; !d.Managed || d.Version.String() != "5.8.1" {
		t.Fatalf("desired: %+v", d)
	}
	if diff := cmp.Diff([]release.Ref{ref}, third.Releases, cmp.Comparer(schema.Version.Equal)); diff != "" {
		t.Fatal(diff)
	}
	status, index := a.call(a.token, http.MethodGet, wire.PathReleases+"viewer/5.8.1/linux/index.json", nil)
	if status != http.StatusOK || release.Digest(index) != ref.SHA256 {
		t.Fatalf("index: status %d", status)
	}
	blob, _ := release.BlobPath(release.Digest([]byte("5.8.1\n")))
	status, part := a.call(a.token, http.MethodGet, wire.PathReleases+blob, nil, "Range", "bytes=2-")
	if status != http.StatusPartialContent || string(part) != "8.1\n" {
		t.Fatalf("resumed download: status %d, %q", status, part)
	}

	var list wire.Workstations
	r.do(http.StatusOK, http.MethodGet, "/api/v1/workstations/card%201", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Versions[0].String() != "5.8.0" || list.Items[0].Desired.Version.String() != "5.8.1" {
		t.Fatalf("workstations: %+v", list)
	}
	var revisions wire.Revisions
	r.do(http.StatusOK, http.MethodGet, "/api/v1/revisions", nil, &revisions)
	if len(revisions.History) != 2 || revisions.History[0].Author != "admin" || revisions.History[0].Reason != "CHG-1" {
		t.Fatalf("history: %+v", revisions.History)
	}
}

func TestHeldCheckin(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	a := r.agent(r.enrolment(), "pc-1")
	in := a.report("pc-1", "5.8.0")
	in.Have = a.checkin(in).Digest

	a.post(http.StatusNotModified, wire.PathCheckin, in, nil)
	a.post(http.StatusNotModified, wire.PathCheckin, in, nil) // this one is recognised by its bytes

	news := func(name string, cause func()) {
		t.Helper()
		in.Wait = 20
		got := make(chan wire.Reply, 1)
		go func() {
			defer close(got) // also where it fails, so that nobody waits for ever
			got <- a.checkin(in)
		}()
		time.Sleep(50 * time.Millisecond) // so that it is held; what is tested holds without it, too
		begin := time.Now()
		cause()
		reply := <-got
		if reply.Digest == in.Have || time.Since(begin) > 5*time.Second {
			t.Fatalf("%s: the held check-in got %+v after %s", name, reply, time.Since(begin))
		}
		in.Have = reply.Digest
	}
	news("manifest", func() { r.apply(strings.Replace(manifestsYAML, "5.8.2", "5.9", 1)) })
	news("release", func() { r.upload("5.8.0") }) // the installed one: another version is no news to this agent
	news("action", func() {
		r.do(http.StatusOK, http.MethodPost, "/api/v1/actions", wire.Ask{Verb: wire.Look, Workstation: "PC-1", Reason: "please"}, nil)
	})
	in.Wait = 0
	held := a.checkin(withHave(in, "")).Actions
	if len(held) != 1 || held[0].By != "admin" {
		t.Fatalf("actions: %+v", held)
	}
	in.Done = []string{held[0].ID}
	if left := a.checkin(in).Actions; len(left) != 0 {
		t.Fatalf("a finished action is still asked for: %+v", left)
	}
}

// What was uninstalled is shown until the agent has looked where it is told to; its first check-in after a start names no
// client either, and says nothing about them.
func TestUninstalledClientsGo(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	a := r.agent(r.enrolment(), "pc-1")
	in := a.report("pc-1", "5.8.0")
	a.checkin(in)
	shown := func() int {
		t.Helper()
		var list wire.Workstations
		r.do(http.StatusOK, http.MethodGet, "/api/v1/workstations", nil, &list)
		return len(list.Items)
	}
	in.Clients = nil
	first := a.checkin(in)
	a.checkin(withHave(in, "of a view before"))
	if shown() != 1 {
		t.Fatal("an agent that does not know yet where to look made a client disappear")
	}
	for range 2 {
		a.post(http.StatusNotModified, wire.PathCheckin, withHave(in, first.Digest), nil)
		if shown() != 0 {
			t.Fatal("what is not installed any more is still shown")
		}
	}
	a.checkin(withHave(a.report("pc-1", "5.8.0"), first.Digest))
	if shown() != 1 {
		t.Error("what is installed again is not shown")
	}
}

func withHave(in wire.Checkin, have string) wire.Checkin {
	in.Have = have
	return in
}

func TestRestartKeepsEverything(t *testing.T) {
	data := t.TempDir()
	var enrolment wire.Enrolment
	var admin string
	t.Run("before", func(t *testing.T) {
		r := start(t, Config{Data: data})
		r.apply(manifestsYAML)
		enrolment, admin = r.enrolment(), r.admin
		a := r.agent(enrolment, "pc-1")
		a.checkin(a.report("pc-1", "5.8.0"))
	})
	r := start(t, Config{Data: data})
	if r.admin != admin {
		t.Error("a restart made a new administrator's token")
	}
	var list wire.Workstations
	r.do(http.StatusOK, http.MethodGet, "/api/v1/workstations", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Installs[0].Host != "pc-1" {
		t.Fatalf("workstations after a restart: %+v", list)
	}
	r.agent(enrolment, "pc-2") // the enrolment string still serves
}

// Nobody else can read what is secret, also where a folder was made by hand or copied from a backup.
func TestDataIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("access lists, which a folder inherits, say there who may read")
	}
	data := filepath.Join(t.TempDir(), "data")
	secrets := []string{databaseFile, databaseFile + "-wal", pki.KeyFile, AdminTokenFile}
	check := func(when string) {
		t.Helper()
		s, err := New(t.Context(), Config{Data: data, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(secrets, ".") {
			if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %s: %v %v", when, name, info, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	check("made anew")
	for _, name := range append(secrets, ".") {
		if err := os.Chmod(filepath.Join(data, name), 0o755); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	check("open before")
}

func TestSecondServerIsRefused(t *testing.T) {
	r := start(t, Config{})
	_, err := New(t.Context(), Config{Data: r.config.Data, Listen: "127.0.0.1:0", PlainHTTP: true})
	if err == nil || !strings.Contains(err.Error(), "another server") {
		t.Fatalf("got %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]Config{
		"no folder":                 {},
		"plain HTTP for everybody":  {Data: t.TempDir(), Listen: "0.0.0.0:0", PlainHTTP: true},
		"plain HTTP by name":        {Data: t.TempDir(), Listen: "example.test:0", PlainHTTP: true},
		"address without port":      {Data: t.TempDir(), Listen: "127.0.0.1", PlainHTTP: true},
		"an open address":           {Data: t.TempDir(), Listen: "127.0.0.1:0", URL: "http://lull.example.test"},
		"open though on loopback":   {Data: t.TempDir(), Listen: "127.0.0.1:0", URL: "http://127.0.0.1:80"},
		"an address with a path":    {Data: t.TempDir(), Listen: "127.0.0.1:0", URL: "https://lull.example.test/x"},
		"an address without host":   {Data: t.TempDir(), Listen: "127.0.0.1:0", URL: "https://:8440"},
		"no address":                {Data: t.TempDir(), Listen: "127.0.0.1:0", URL: "lull.example.test:8440"},
		"a named file is not there": {Data: t.TempDir(), Listen: "127.0.0.1:0", File: "/nowhere/server.yaml"},
	} {
		if s, err := New(t.Context(), c); err == nil {
			t.Errorf("%s: accepted", name)
			s.Close()
		}
	}
}

// A server without TLS behind a proxy that has it, and one on loopback, say how they are reached.
func TestURLWithPlainHTTP(t *testing.T) {
	for _, url := range []string{"https://lull.example.test", "http://localhost:8440"} {
		c := Config{Data: t.TempDir(), PlainHTTP: true, URL: url}
		if err := c.validate(); err != nil || c.URL != url {
			t.Errorf("%s: %q, %v", url, c.URL, err)
		}
	}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"zone: Europe/Berlin\n":          "",
		"privacy: {users: name}\n":       "",
		"zones: x\n":                     "zones",
		"zone: Nowhere/Land\n":           "zone",
		"guard: {}\n":                    "not carried out",
		"privacy: {users: all}\n":        "want none or name",
		"privacy: {keep: 30d}\n":         "not carried out",
		"zone: UTC\n---\nzone: UTC\n":    "more than one document",
		"privacy: {idleHistory: ever}\n": "want none",
	} {
		_, err := parseSettings(strings.NewReader(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestOutsideManifestsAreReadOnly(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(manifestsYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{Manifests: "dir:" + folder})
	var p wire.Problem
	r.do(http.StatusConflict, http.MethodPost, "/api/v1/version?reason=x", wire.SetVersion{Client: "viewer", Version: "5.8.1", All: true}, &p)
	if !strings.Contains(p.Detail, folder) {
		t.Errorf("the answer does not say where to edit: %+v", p)
	}
	var clients []wire.ClientInfo
	r.do(http.StatusOK, http.MethodGet, "/api/v1/clients", nil, &clients)
	if len(clients) != 1 || clients[0].ServerVersion.String() != "5.8.2" {
		t.Errorf("clients: %+v", clients)
	}
}

func TestPage(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	a := r.agent(r.enrolment(), "pc-1")
	in := a.report(`<script>x</script>`, "5.8.0")
	a.checkin(in)

	r.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if status, _ := r.call("", http.MethodGet, "/", nil); status != http.StatusSeeOther {
		t.Fatalf("without a session: status %d", status)
	}
	form := func(token string) (*http.Response, error) {
		return r.http.PostForm(r.URL()+"/signin", url.Values{"token": {token}})
	}
	resp, err := form("wrong")
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a wrong token: %v %v", resp, err)
	}
	resp.Body.Close()
	resp, err = form(r.admin)
	if err != nil || resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("signing in: %v %v", resp, err)
	}
	resp.Body.Close()
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Value == r.admin {
		t.Errorf("cookie: %+v", cookie)
	}
	_, page := r.call("", http.MethodGet, "/", nil, "Cookie", cookie.Name+"="+cookie.Value, "Accept-Language", "de")
	for _, want := range []string{"&lt;script&gt;", "nicht verwaltet", "5.8.2", "Arbeitsstation"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, live := r.call("", http.MethodGet, "/?q=unmanaged+x&live", nil, "Cookie", cookie.Name+"="+cookie.Value)
	for _, want := range []string{`http-equiv="refresh"`, `<a href="/?q=unmanaged&#43;x">`, `name="live"`} {
		if !bytes.Contains(live, []byte(want)) {
			t.Errorf("the page that follows by itself lacks %q", want)
		}
	}
	if bytes.Contains(page, []byte("<script")) {
		t.Error("a name of an agent became markup")
	}
	if status, _ := r.call("", http.MethodGet, "/api/v1/workstations", nil, "Cookie", cookie.Name+"="+cookie.Value); status != http.StatusUnauthorized {
		t.Errorf("the cookie opens the API: status %d", status)
	}
	if status, _ := r.call("", http.MethodPost, "/signout", nil, "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site may post: status %d", status)
	}
	r.call("", http.MethodPost, "/signout", nil, "Cookie", cookie.Name+"="+cookie.Value)
	if status, _ := r.call("", http.MethodGet, "/", nil, "Cookie", cookie.Name+"="+cookie.Value); status != http.StatusSeeOther {
		t.Errorf("after signing out: status %d", status)
	}
}

// Whoever guesses is soon answered no more, and cannot keep out those who have a token.
func TestGuessingIsSlowedDown(t *testing.T) {
	r := start(t, Config{})
	r.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status := func(token string) int {
		resp, err := r.http.PostForm(r.URL()+"/signin", url.Values{"token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for i := 0; status("wrong") != http.StatusTooManyRequests; i++ {
		if i == 40 {
			t.Fatal("40 guesses were all heard")
		}
	}
	if got := status(r.admin); got != http.StatusSeeOther {
		t.Errorf("a good token after many bad ones: status %d", got)
	}
}
