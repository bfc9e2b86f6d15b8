// Package releases serves stored releases to agents and takes uploads of new ones.
//
// Agents download indexes and blobs by the layout of package release, and nothing else exists below their route: a path
// is taken apart and looked up, never joined. Downloads resume by ranges, at most twenty run at a time, and one that
// stands still for a minute gives its place up. An upload is a tar stream whose first entry is the index; whatever the
// sender checked is checked again here, and a release appears only when all of it is there.
package releases

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"lull/internal/release"
	"lull/schema"
	"lull/server/problem"
)

const (
	places     = 20          // downloads at a time, so that each gets a part of the line worth having
	retryAfter = 15          // seconds, for the rest
	stall      = time.Minute // without progress, and a download has lost its place
)

// Downloads answers GET /agent/v1/releases/….
type Downloads struct {
	store *release.Store
	log   *slog.Logger
	slots chan struct{}
}

// NewDownloads serves what store holds.
func NewDownloads(store *release.Store, log *slog.Logger) *Downloads {
	return &Downloads{store: store, log: log, slots: make(chan struct{}, places)}
}

// ServeHTTP answers a download.
func (d *Downloads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		problem.Write(w, http.StatusServiceUnavailable, "all places for downloads are taken; try again shortly")
		return
	}
	content, err := d.open(r.PathValue("path"))
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	defer content.Close()
	w.Header().Set("Content-Type", content.kind)
	w.Header().Set("ETag", `"`+content.digest+`"`)
	w.Header().Set("Cache-Control", "private, immutable, max-age=31536000")
	control := http.NewResponseController(w)
	http.ServeContent(w, r, "", time.Time{}, &moving{content, control})
}

func (d *Downloads) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, release.ErrNotFound) || errors.Is(err, os.ErrNotExist) || errors.Is(err, errPath) {
		problem.Write(w, http.StatusNotFound, "the release store does not hold this")
		return
	}
	d.log.Error("download failed", "path", r.URL.Path, "error", err)
	problem.Write(w, http.StatusInternalServerError, "the file could not be read; the server's log has the cause")
}

// content is one file of the store, opened.
type content struct {
	*os.File
	kind, digest string
}

var errPath = errors.New("no path of a release store")

// open opens what a path names: [releases/]CLIENT/VERSION/SYSTEM/index.json or blobs/sha256/XX/HEX.
func (d *Downloads) open(path string) (*content, error) {
	if digest, ok := strings.CutPrefix(path, "blobs/sha256/"); ok {
		return d.blob(path, digest)
	}
	part := strings.Split(strings.TrimPrefix(path, "releases/"), "/")
	if len(part) != 4 || part[3] != "index.json" {
		return nil, errPath
	}
	version, err := schema.ParseVersion(part[1])
	if err != nil {
		return nil, errPath
	}
	ref, err := d.store.Find(part[0], version, part[2])
	if err != nil {
		return nil, err
	}
	name, err := d.store.IndexFile(ref)
	if err != nil {
		return nil, err
	}
	return openFile(name, "application/json", ref.SHA256)
}

func (d *Downloads) blob(path, rest string) (*content, error) {
	_, digest, _ := strings.Cut(rest, "/")
	if canonical, err := release.BlobPath(digest); err != nil || canonical != path {
		return nil, errPath
	}
	name, err := d.store.Blob(digest)
	if err != nil {
		return nil, err
	}
	return openFile(name, "application/octet-stream", digest)
}

func openFile(name, kind, digest string) (*content, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return &content{f, kind, digest}, nil
}

// moving gives a download another minute with each piece that is sent.
type moving struct {
	io.ReadSeeker
	control *http.ResponseController
}

func (m *moving) Read(p []byte) (int, error) {
	_ = m.control.SetWriteDeadline(time.Now().Add(stall)) // a writer that cannot is no network connection
	return m.ReadSeeker.Read(p)
}
