// Package fetch gets releases for an agent: the catalog, indexes, and the files that an index names.
//
// A Source is a Lull server, a plain web server or a folder; all three have the layout of package release, so that one
// code reads them. Nothing that arrives is believed: an index must have the digest that its Ref pins, a file the size and
// the SHA-256 that its index states, and no more is read than they allow. A download goes to a part file beside its
// destination and goes on where it stopped, also after a restart, because the part is hashed anew before it is
// continued. What may pass by itself (a cut line, a busy server, silence) is tried again with growing, random pauses;
// what may not is returned at once, by type, and the caller decides what it means for the installation.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lull/internal/durable"
	"lull/internal/release"
)

const (
	// defaultStall is shorter than the idle timeouts of common proxies, and longer than any healthy line is silent.
	defaultStall = 30 * time.Second
	defaultPause = time.Second
)

// Options of a Source. The zero value is a plain web server or a folder.
type Options struct {
	// Client makes the requests; it brings proxy and TLS. Default: http.DefaultClient.
	Client *http.Client
	// Authorize puts credentials on a request. Default: none. Its errors are not retried.
	Authorize func(*http.Request) error
	// Stall is how long a download may stand still. Default: 30s.
	Stall time.Duration
	// Pause is the longest pause before the second try; later ones double up to half a minute. Default: 1s.
	Pause time.Duration
}

// Source is where releases come from. It may be used by several goroutines, each with a destination of its own.
type Source struct {
	origin origin
	cache  string
	stall  time.Duration
	pause  time.Duration
}

// Open makes a Source of an address, which is an https URL (http on loopback only) or a folder. Indexes are kept in the
// folder cache, so that what was once fetched is known without the source. Open reaches for nothing yet.
func Open(address, cache string, o Options) (*Source, error) {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	s := &Source{cache: cache, stall: o.Stall, pause: o.Pause}
	if s.stall <= 0 {
		s.stall = defaultStall
	}
	if s.pause <= 0 {
		s.pause = defaultPause
	}
	if !strings.Contains(address, "://") {
		if address == "" {
			return nil, errors.New("open releases: no address; give a URL or a folder")
		}
		s.origin = folder(address)
		return s, nil
	}
	web, err := newWeb(address, o)
	if err != nil {
		return nil, fmt.Errorf("open releases: %w", err)
	}
	s.origin = web
	return s, nil
}

// Catalog reads what there is to install, for agents that have no server. It tries once, because whoever follows a
// catalog asks again in any case and wants to know meanwhile that it is away.
func (s *Source) Catalog(ctx context.Context) (*release.Catalog, error) {
	data, _, err := s.readOnce(ctx, release.CatalogPath, release.MaxCatalogSize)
	if err != nil {
		return nil, fmt.Errorf("fetch the catalog: %w", err)
	}
	return release.ParseCatalog(data)
}

// Index returns the index that ref pins, from the cache if it is there. It is valid and is the index of ref's release.
func (s *Source) Index(ctx context.Context, ref release.Ref) (*release.Index, error) {
	name, err := release.IndexPath(ref)
	if err != nil {
		return nil, fmt.Errorf("fetch the index of %s: %w", ref, err)
	}
	kept := filepath.Join(s.cache, ref.SHA256+".json")
	if data, err := os.ReadFile(kept); err == nil && release.Digest(data) == ref.SHA256 {
		return parse(ref, data)
	}
	data, page, err := s.read(ctx, name, release.MaxIndexSize)
	if err != nil {
		return nil, fmt.Errorf("fetch the index of %s: %w", ref, err)
	}
	if got := release.Digest(data); got != ref.SHA256 {
		return nil, fmt.Errorf("fetch the index of %s: %w", ref, mismatch(page, "sha256 "+ref.SHA256, "sha256 "+got))
	}
	index, err := parse(ref, data)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.MkdirAll(s.cache, 0o700), durable.WriteFile(kept, data, 0o600)); err != nil {
		return nil, fmt.Errorf("keep the index of %s: %w", ref, err)
	}
	return index, nil
}

func parse(ref release.Ref, data []byte) (*release.Index, error) {
	index, err := release.ParseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", ref, err)
	}
	if index.Client != ref.Client || !index.Version.Equal(ref.Version) || index.System != ref.System {
		return nil, fmt.Errorf("index of %s: %w", ref, &Corrupt{Want: ref.String(), Got: index.Ref(nil).String()})
	}
	return index, nil
}

// read fetches a small file whole. page tells that the answer is a web page.
func (s *Source) read(ctx context.Context, name string, limit int64) (data []byte, page bool, err error) {
	err = s.try(ctx, func() (bool, error) {
		data, page, err = s.readOnce(ctx, name, limit)
		return false, err
	})
	return data, page, err
}

func (s *Source) readOnce(ctx context.Context, name string, limit int64) (data []byte, page bool, err error) {
	watch := watch(ctx, s.stall)
	defer watch.stop()
	b, err := s.origin.open(watch.ctx, name, 0, "")
	if err != nil {
		return nil, false, watch.explain(err)
	}
	defer b.Close()
	data, err = io.ReadAll(io.LimitReader(watch.reader(b), limit+1))
	if err != nil {
		return nil, b.page, watch.explain(&Unavailable{Err: err})
	}
	if int64(len(data)) > limit {
		return nil, b.page, mismatch(b.page, fmt.Sprintf("at most %d bytes", limit), "more")
	}
	return data, b.page, nil
}
