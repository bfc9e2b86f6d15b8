package server

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"lull/internal/wire"
	"lull/server/access"
	"lull/server/api"
	"lull/server/checkin"
	"lull/server/enrolment"
	"lull/server/overview"
	"lull/server/pages"
	"lull/server/problem"
	"lull/server/releases"
)

// route registers every handler, under the rules of package access.
func (s *Server) route(context.Context) error {
	mux, err := s.mux()
	if err != nil {
		return err
	}
	s.handler = http.NewCrossOriginProtection().Handler(mux)
	return nil
}

func (s *Server) mux() (*access.Mux, error) {
	secure := s.authority != nil
	mux := access.NewMux(s.keeper, pages.Cookie(secure))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /metrics", s.metrics)

	letIn := enrolment.New(s.keeper, s.fleet, s.log, s.config.Now)
	check := &checkin.Handler{Fleet: s.fleet, Current: s.current, Privacy: s.settings.privacy, Log: s.log, Now: s.config.Now}
	mux.HandleFunc("POST "+wire.PathEnrol, letIn.Enrol)
	mux.HandleFunc("POST "+wire.PathSession, letIn.Session)
	mux.HandleFunc("POST "+wire.PathCheckin, check.ServeHTTP)
	mux.HandleFunc("GET "+wire.PathReleases+"{path...}", releases.NewDownloads(s.releases, s.log).ServeHTTP)

	api.Register(mux, api.Config{
		Fleet: s.fleet, Current: s.current, Source: s.source, Store: s.store, Releases: s.releases,
		Keeper: s.keeper, Enrol: s.enrolment, Log: s.log, Now: s.config.Now,
	})
	people, err := pages.New(pages.Config{
		Fleet: s.fleet, Current: s.current, Source: s.source, Keeper: s.keeper, Secure: secure, Zone: s.settings.zone, Log: s.log, Now: s.config.Now,
	})
	if err != nil {
		return nil, err
	}
	people.Register(mux)
	return mux, nil
}

// ready answers 200 once the manifests were read for the first time, whatever came of it.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	snapshot := s.source.Current()
	if !snapshot.Seen() || !snapshot.Taken.IsZero() && s.current.View() == nil {
		problem.Write(w, http.StatusServiceUnavailable, "the manifests were not read yet")
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}

// metrics are gauges in the text form of Prometheus. Labels are names of manifests and phases, which need no escaping.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	var out strings.Builder
	gauge := func(name, help string, value int) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n%s %d\n", name, help, name, name, value)
	}
	computers, view, snapshot := s.fleet.Computers(), s.current.View(), s.source.Current()
	gauge("lull_computers", "Enrolled computers.", len(computers))
	gauge("lull_manifests", "Manifests in force.", snapshot.Set.Len())
	gauge("lull_manifests_refused", "1 if a newer revision was refused.", one(snapshot.Refused != nil))
	gauge("lull_manifests_unreachable", "1 if the manifests cannot be read.", one(snapshot.Unreachable != nil))
	if view != nil {
		gauge("lull_releases", "Stored releases.", len(view.Releases))
		counts := map[string]int{}
		for _, ws := range overview.Workstations(computers, view, s.config.Now()) {
			counts[fmt.Sprintf("{client=%q,phase=%q}", ws.Client, ws.Phase)]++
		}
		out.WriteString("# HELP lull_workstations Workstations by client and phase.\n# TYPE lull_workstations gauge\n")
		for _, labels := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&out, "lull_workstations%s %d\n", labels, counts[labels])
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, out.String()) // who asked is gone if this fails
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
