// Package server is Lull's server: it tells every agent what shall run on its computer, keeps what they report, and lets
// people see and steer the fleet.
//
// New opens everything below one data folder: the database, the certificate authority, the release store and, unless
// the manifests live elsewhere, their repository. It locks the folder, listens, and Run serves until its context ends.
// From the first request on everything is in one process and one binary; nothing else has to be installed.
//
// The rooms: access decides who may do what, enrolment lets agents in, checkin answers them, inventory keeps what they
// said, current is what the manifests want now, releases serves what is to be installed, steering edits manifests, api
// and pages are for people. None of them knows this package.
package server

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"lull/internal/durable"
	"lull/internal/release"
	"lull/internal/wire"
	"lull/manifests"
	"lull/server/access"
	"lull/server/current"
	"lull/server/database"
	"lull/server/inventory"
	"lull/server/pki"
)

// What lies in the data folder beside the authority and server.yaml.
const (
	AdminTokenFile  = "admin.token"
	databaseFile    = "lull.db"
	lockFile        = "server.lock"
	manifestsFolder = "manifests.git"
	cloneFolder     = "clones"
	releasesFolder  = "store"
)

const (
	headerTime   = 10 * time.Second
	idleTime     = 2 * time.Minute
	maxHeader    = 32 << 10
	shutdownTime = 5 * time.Second
	sweepEvery   = 10 * time.Minute
)

// Server is one open server.
type Server struct {
	config   Config
	settings settings
	log      *slog.Logger

	lock      *flock.Flock
	db        *sql.DB
	authority *pki.Authority // nil with plain HTTP
	keeper    *access.Keeper
	fleet     *inventory.Fleet
	source    *manifests.Source
	store     *manifests.Store // nil where an outside source rules
	releases  *release.Store
	current   *current.Keeper
	listener  net.Listener
	handler   http.Handler
}

// New opens a server and listens. Who does not Run it calls Close.
func New(ctx context.Context, c Config) (*Server, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &Server{config: c, log: c.Log}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.openFolder, s.openDatabase, s.openManifests, s.openReleases, s.openAuthority, s.listen, s.firstToken, s.route,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.config.Data, name) }

func (s *Server) openFolder(context.Context) (err error) {
	if err := os.MkdirAll(s.config.Data, 0o700); err != nil {
		return fmt.Errorf("open data folder: %w", err)
	}
	s.lock = flock.New(s.path(lockFile))
	locked, err := s.lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock data folder %s: %w", s.config.Data, err)
	}
	if !locked {
		return fmt.Errorf("lock data folder %s: another server uses it: stop that one, or name another folder with --data", s.config.Data)
	}
	if err := s.keepPrivate(); err != nil {
		return err
	}
	s.settings, err = s.config.readSettings()
	return err
}

func (s *Server) openDatabase(ctx context.Context) (err error) {
	if s.db, err = database.Open(ctx, s.path(databaseFile)); err != nil {
		return err
	}
	if s.keeper, err = access.Open(ctx, s.db, s.config.Now); err != nil {
		return err
	}
	s.fleet, err = inventory.OpenFleet(ctx, inventory.NewSQLite(s.db), s.log, s.config.Now)
	return err
}

func (s *Server) openManifests(context.Context) (err error) {
	where := s.config.Manifests
	if where == "" {
		where = s.settings.manifests
	}
	options := manifests.Options{Log: s.log, Now: s.config.Now, Cache: s.path(cloneFolder)}
	if where != "" {
		s.source, err = manifests.Open(where, options)
		return err
	}
	if s.store, err = manifests.OpenStore(s.path(manifestsFolder), options); err == nil {
		s.source = s.store.Source
	}
	return err
}

func (s *Server) openReleases(context.Context) (err error) {
	if s.releases, err = release.Open(s.path(releasesFolder)); err != nil {
		return err
	}
	if err := s.releases.Damaged(); err != nil {
		s.log.Error("damaged releases are left out", "error", err)
	}
	s.current = current.New(s.source, s.releases, s.log)
	return nil
}

func (s *Server) openAuthority(context.Context) (err error) {
	if !s.config.PlainHTTP {
		s.authority, err = pki.Open(s.config.Data, s.config.Now)
	}
	return err
}

func (s *Server) listen(context.Context) error {
	listener, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w: is another server running, or choose another --listen", s.config.Listen, err)
	}
	s.listener = listener
	if s.authority == nil {
		return nil
	}
	config, err := s.authority.ServerConfig(s.names())
	if err != nil {
		return err
	}
	s.listener = tls.NewListener(listener, config)
	return nil
}

// names are all by which the server's certificate may be asked for.
func (s *Server) names() []string {
	names := append([]string{"localhost", "127.0.0.1", "::1"}, s.config.Names...)
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	if u, err := url.Parse(s.config.URL); err == nil && u.Hostname() != "" {
		names = append(names, u.Hostname())
	}
	host, _, _ := net.SplitHostPort(s.config.Listen) // validate has split it before
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		names = append(names, host)
	}
	return names
}

// firstToken gives an administrator the way in, if nobody has one. The file comes first: a token that nobody can read
// would lock everybody out.
func (s *Server) firstToken(ctx context.Context) error {
	if s.keeper.HasAdmin() {
		return nil
	}
	secret := access.NewSecret()
	if err := durable.WriteFile(s.path(AdminTokenFile), []byte(secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the administrator's token: %w", err)
	}
	_, err := s.keeper.Add(ctx, access.Token{Name: s.keeper.FreeName("admin"), Kind: access.KindPerson, Role: access.Admin}, secret)
	return err
}

// URL is the address of the server: the configured one, else where it listens, with the port that it really has.
func (s *Server) URL() string {
	if s.config.URL != "" {
		return s.config.URL
	}
	host, port, _ := net.SplitHostPort(s.listener.Addr().String()) // a listener's address always has both
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	scheme := "https"
	if s.authority == nil {
		scheme = "http"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// enrolment is what an agent needs to find this server, with a secret that it has stored.
func (s *Server) enrolment(secret string) wire.Enrolment {
	e := wire.Enrolment{URL: s.URL(), Token: secret}
	if s.authority != nil {
		e.CA = wire.KeyPin(s.authority.Certificate())
	}
	return e
}

// Close frees what New has opened. Run does it at its end.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Run serves until ctx ends, which is no error, and closes the server.
func (s *Server) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	web := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return inner },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	group.Go(func() error { return s.source.Run(inner) })
	group.Go(func() error { s.current.Run(inner); return nil })
	group.Go(func() error { s.sweep(inner); return nil })
	group.Go(func() error {
		if err := web.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-inner.Done()
		wait, cancel := context.WithTimeout(context.WithoutCancel(inner), shutdownTime)
		defer cancel()
		if err := web.Shutdown(wait); err != nil {
			return web.Close() // a download that does not end is cut; it resumes
		}
		return nil
	})
	// The inventory is written last, when no request can change it any more.
	kept, stop := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan struct{})
	go func() { defer close(written); s.fleet.Run(kept) }()
	s.log.Info("listening", "url", s.URL(), "manifests", s.source.String())
	err := group.Wait()
	stop()
	<-written
	return errors.Join(err, s.Close())
}

func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.keeper.Sweep()
		case <-ctx.Done():
			return
		}
	}
}
