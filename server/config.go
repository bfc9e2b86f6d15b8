package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// DefaultListen is where a server listens unless told otherwise.
const DefaultListen = "127.0.0.1:8440"

// Config says what a server needs. Data is required; everything else has a good zero value.
type Config struct {
	// Data is the folder that holds everything the server keeps. It is made if it is not there.
	Data string
	// Listen is the address, HOST:PORT; port 0 takes a free one. Default: DefaultListen.
	Listen string
	// URL is the address by which agents and people reach the server, where that is not what Listen says: behind a
	// proxy, or under the name of a service. It goes into enrolment strings and, as a name, into the certificate.
	URL string
	// Manifests says where manifests live: "" is the server's own repository in Data, else what manifests.Open takes.
	// It goes before the same setting in File.
	Manifests string
	// PlainHTTP leaves TLS out, which is allowed on loopback addresses only.
	PlainHTTP bool
	// Names are further host names and addresses by which the server is reached, for its certificate.
	Names []string
	// File holds Settings. Default: server.yaml in Data, which need not be there.
	File string
	// Log gets one line for each event. Default: none.
	Log *slog.Logger
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

func (c *Config) validate() error {
	if c.Data == "" {
		return errors.New("server: the data folder is missing: name one with --data DIR")
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("server: listen %q: want HOST:PORT, for instance %s", c.Listen, DefaultListen)
	}
	if c.PlainHTTP && !isLoopback(host) {
		return fmt.Errorf("server: listen %q: plain HTTP is for loopback addresses only: leave --plain-http out, or listen on 127.0.0.1", c.Listen)
	}
	return c.validateURL()
}

// validateURL refuses an address that agents could not use, and tidies the others.
func (c *Config) validateURL() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return fmt.Errorf("server: url %q: want https://HOST or https://HOST:PORT and nothing more", c.URL)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && c.PlainHTTP && isLoopback(u.Hostname())) {
		return fmt.Errorf("server: url %q: want https; http is for loopback addresses with --plain-http", c.URL)
	}
	c.URL = u.Scheme + "://" + u.Host
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
