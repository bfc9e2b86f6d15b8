package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/schema"
	"lull/server/releases"
)

func TestOnlyTheLayoutIsServed(t *testing.T) {
	r := start(t, Config{})
	r.upload("5.8.1")
	a := r.agent(r.enrolment(), "pc-1")
	for _, path := range []string{
		"", "catalog.json", "../lull.db", "..%2flull.db", "%2e%2e/%2e%2e/etc/passwd", "blobs/sha256/aa/../../../lull.db",
		"viewer/5.8.1/linux/index.jso", "viewer/../linux/index.json", "viewer/5.8.1/windows/index.json", "blobs/sha256/00/" + strings.Repeat("0", 64),
	} {
		req, _ := http.NewRequest(http.MethodGet, r.URL()+wire.PathReleases+path, nil)
		req.Header.Set("Authorization", "Bearer "+a.token)
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Errorf("%q was served", path)
		}
	}
}

func TestUploadsAreChecked(t *testing.T) {
	r := start(t, Config{})
	r.upload("5.8.1")
	content := "5.8.9\n"
	index := viewerIndex("5.8.9", content)
	blob, _ := release.BlobPath(release.Digest([]byte(content)))
	other, _ := release.BlobPath(release.Digest([]byte("x")))
	older, _ := release.BlobPath(release.Digest([]byte("5.7.0\n")))
	half := archive(t, "index.json", index, blob, content) // before two empty blocks at the end, and the one with the content
	for name, body := range map[string]string{
		"nothing":            "",
		"no archive":         "x",
		"no index first":     archive(t, blob, content),
		"an index of nobody": archive(t, "index.json", "{}"),
		"a path outside":     archive(t, "index.json", "{}", "../x", "y"),
		"another content":    archive(t, "index.json", index, blob, "5.8.8\n"),
		"a foreign blob":     archive(t, "index.json", index, other, "x"),
		"no content":         archive(t, "index.json", index),
		"half of it":         half[:len(half)-1024-512+3],
		"another version":    archive(t, "index.json", viewerIndex("5.9.9", "5.7.0\n"), older, "5.7.0\n"),
	} {
		var p wire.Problem
		r.do(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/releases", body, &p)
		if p.Detail == "" {
			t.Errorf("%s: no reason is given", name)
		}
	}
	var list wire.Releases
	r.do(http.StatusOK, http.MethodGet, "/api/v1/releases", nil, &list)
	if len(list.Items) != 1 {
		t.Errorf("releases after refused uploads: %+v", list.Items)
	}
	r.do(http.StatusNoContent, http.MethodDelete, "/api/v1/releases/viewer/5.8.1/linux", nil, nil)
	r.do(http.StatusNotFound, http.MethodDelete, "/api/v1/releases/viewer/5.8.1/linux", nil, nil)
}

// An upload brings what the store lacks, and need not bring the rest.
func TestUploadsBringWhatIsMissing(t *testing.T) {
	r := start(t, Config{})
	index := release.Index{
		Client: "viewer", Version: schema.MustVersion("5.8.9"), System: "linux", Method: schema.MethodTree,
		Read: schema.VersionSource{File: "VERSION"},
	}
	for _, f := range [][2]string{{"VERSION", "5.8.9\n"}, {"a", "5.8.1\n"}, {"b", "new"}, {"c", "new"}} {
		index.Files = append(index.Files, release.File{Path: f[0], Size: int64(len(f[1])), SHA256: release.Digest([]byte(f[1]))})
	}
	slices.SortFunc(index.Files, func(x, y release.File) int { return strings.Compare(x.Path, y.Path) })
	missing := func() []string {
		t.Helper()
		var out wire.Missing
		r.do(http.StatusOK, http.MethodPost, "/api/v1/releases/missing", string(index.Encode()), &out, "Content-Type", "application/json")
		slices.Sort(out.Blobs)
		return out.Blobs
	}
	r.upload("5.8.1")
	want := []string{release.Digest([]byte("5.8.9\n")), release.Digest([]byte("new"))}
	slices.Sort(want)
	if diff := cmp.Diff(want, missing()); diff != "" {
		t.Fatal(diff)
	}
	entries := []string{"index.json", string(index.Encode())}
	for _, content := range []string{"5.8.9\n", "new"} {
		blob, _ := release.BlobPath(release.Digest([]byte(content)))
		entries = append(entries, blob, content)
	}
	r.do(http.StatusCreated, http.MethodPost, "/api/v1/releases", archive(t, entries...), nil)
	if left := missing(); len(left) != 0 {
		t.Errorf("still missing: %v", left)
	}
	r.do(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/releases/missing", "{}", nil)
}

// What goes wrong on the server's own disk is no fault of the upload, and no path of it is told.
func TestUploadsThatTheDiskRefuses(t *testing.T) {
	r := start(t, Config{})
	if err := os.RemoveAll(r.path(releasesFolder + "/incoming")); err != nil {
		t.Fatal(err)
	}
	content := "5.8.9\n"
	blob, _ := release.BlobPath(release.Digest([]byte(content)))
	var p wire.Problem
	r.do(http.StatusInternalServerError, http.MethodPost, "/api/v1/releases", archive(t, "index.json", viewerIndex("5.8.9", content), blob, content), &p)
	if strings.Contains(p.Detail, "incoming") {
		t.Errorf("the answer names a file of the server: %s", p.Detail)
	}
}

// The twenty-first download is sent away and told when to come back.
func TestDownloadsAreBounded(t *testing.T) {
	store, err := release.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("x", 32<<20) // more than the buffers of a connection hold
	digest := release.Digest([]byte(content))
	if err := store.PutBlob(t.Context(), digest, int64(len(content)), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	path, _ := release.BlobPath(digest)
	mux := http.NewServeMux()
	mux.Handle("GET /{path...}", releases.NewDownloads(store, discard()))
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for range 20 {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET /"+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		io.ReadFull(conn, make([]byte, 15)) // it has its place now, and keeps it: nobody reads on
	}
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(srv.URL + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}
