package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"

	"lull/internal/wire"
)

// DefaultListen is where a server listens unless told otherwise.
const DefaultListen = "127.0.0.1:8440"

// Config says what a server needs. Data is required; everything else has a good zero value.
type Config struct {
	// Data is the folder that holds everything the server keeps. It is made if it is not there.
	Data string
	// Listen is the address, HOST:PORT; port 0 takes a free one. Default: DefaultListen.
	Listen string
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

// Settings is the content of the server's configuration file.
type Settings struct {
	Zone      string       `yaml:"zone"`      // of the site, such as Europe/Berlin; default: the computer's
	Privacy   wire.Privacy `yaml:"privacy"`   // what may leave the computers; default: nothing
	Manifests string       `yaml:"manifests"` // as Config.Manifests
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
	if ip := net.ParseIP(host); c.PlainHTTP && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("server: listen %q: plain HTTP is for loopback addresses only: leave --plain-http out, or listen on 127.0.0.1", c.Listen)
	}
	return nil
}

// settings reads the configuration file, in which every key must be known.
func (c *Config) settings() (Settings, error) {
	path := c.File
	if path == "" {
		path = filepath.Join(c.Data, "server.yaml")
	}
	var s Settings
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && c.File == "" {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	if err := parseSettings(f, &s); err != nil {
		return s, fmt.Errorf("read settings %s: %w", path, err)
	}
	return s, nil
}

// notYet are the settings that the language has and this build does not carry out.
func notYet() []string { return []string{"guard", "upstreams", "notify"} }

func parseSettings(r io.Reader, s *Settings) error {
	data, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	var raw map[string]yaml.Node
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return err
	}
	for _, key := range notYet() {
		if node, ok := raw[key]; ok {
			return fmt.Errorf("line %d: %s is not carried out by this build yet: remove it", node.Line, key)
		}
	}
	var checked settingsFile
	if err := decodeStrict(data, &checked); err != nil {
		return err
	}
	return checked.into(s)
}
