package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"gopkg.in/yaml.v3"

	"lull/internal/wire"
)

// settingsFile is the configuration file as it is written.
type settingsFile struct {
	Zone    string `yaml:"zone"`
	Privacy struct {
		Users       string `yaml:"users"`
		Devices     string `yaml:"devices"`
		IdleHistory string `yaml:"idleHistory"`
		Keep        string `yaml:"keep"`
	} `yaml:"privacy"`
	Manifests string `yaml:"manifests"`
}

func decodeStrict(data []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

func (f *settingsFile) into(s *Settings) error {
	if f.Privacy.Keep != "" || f.Privacy.IdleHistory == "daily" {
		return errors.New("privacy: keep and idleHistory: daily are not carried out by this build yet: remove them")
	}
	for name, value := range map[string]string{"users": f.Privacy.Users, "devices": f.Privacy.Devices} {
		if value != "" && value != "none" && value != "name" {
			return fmt.Errorf("privacy.%s: %q: want none or name", name, value)
		}
	}
	if v := f.Privacy.IdleHistory; v != "" && v != "none" {
		return fmt.Errorf("privacy.idleHistory: %q: want none", v)
	}
	if _, err := time.LoadLocation(f.Zone); err != nil {
		return fmt.Errorf("zone: %w: want a name such as Europe/Berlin", err)
	}
	*s = Settings{Zone: f.Zone, Manifests: f.Manifests, Privacy: wire.Privacy{Users: f.Privacy.Users, Devices: f.Privacy.Devices}}
	return nil
}
