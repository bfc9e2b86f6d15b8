package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"

	"lull/internal/wire"
)

const maxSettings = 1 << 20 // bytes of the configuration file

// settings is what the configuration file says.
type settings struct {
	zone      *time.Location // of the site
	privacy   wire.Privacy   // what may leave the computers
	manifests string         // as Config.Manifests
}

// settingsFile is the configuration file as it is written.
type settingsFile struct {
	Zone    string `yaml:"zone"`
	Privacy struct {
		Users       string `yaml:"users"`
		Devices     string `yaml:"devices"`
		IdleHistory string `yaml:"idleHistory"`
		Keep        string `yaml:"keep"`
	} `yaml:"privacy"`
	Manifests string    `yaml:"manifests"`
	Guard     yaml.Node `yaml:"guard"`
	Upstreams yaml.Node `yaml:"upstreams"`
	Notify    yaml.Node `yaml:"notify"`
}

// readSettings reads the configuration file, which need not be there unless it was named.
func (c *Config) readSettings() (settings, error) {
	path := c.File
	if path == "" {
		path = filepath.Join(c.Data, "server.yaml")
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && c.File == "" {
		return settings{zone: time.Local}, nil
	}
	if err != nil {
		return settings{}, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	s, err := parseSettings(f)
	if err != nil {
		return settings{}, fmt.Errorf("read settings %s: %w", path, err)
	}
	return s, nil
}

func parseSettings(r io.Reader) (settings, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSettings+1))
	if err == nil && len(data) > maxSettings {
		err = fmt.Errorf("it has more than %d bytes", maxSettings)
	}
	if err != nil {
		return settings{}, err
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var f settingsFile
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return settings{}, err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return settings{}, errors.New("it holds more than one document")
	}
	return f.check()
}

func (f *settingsFile) check() (settings, error) {
	if line := max(f.Guard.Line, f.Upstreams.Line, f.Notify.Line); line > 0 {
		return settings{}, fmt.Errorf("line %d: guard, upstreams and notify are not carried out by this build yet: remove them", line)
	}
	if f.Privacy.Keep != "" || f.Privacy.IdleHistory == wire.PrivacyDaily {
		return settings{}, errors.New("privacy: keep and idleHistory: daily are not carried out by this build yet: remove them")
	}
	if v := f.Privacy.IdleHistory; v != "" && v != wire.PrivacyNone {
		return settings{}, fmt.Errorf("privacy.idleHistory: %q: want none", v)
	}
	for _, v := range []string{f.Privacy.Users, f.Privacy.Devices} {
		if v != "" && v != wire.PrivacyNone && v != wire.PrivacyName {
			return settings{}, fmt.Errorf("privacy: users or devices: %q: want none or name", v)
		}
	}
	s := settings{zone: time.Local, manifests: f.Manifests, privacy: wire.Privacy{Users: f.Privacy.Users, Devices: f.Privacy.Devices}}
	if f.Zone == "" {
		return s, nil
	}
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		return settings{}, fmt.Errorf("zone: %w: want a name such as Europe/Berlin", err)
	}
	s.zone = zone
	return s, nil
}
