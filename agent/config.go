package agent

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
	"lull/schema"
)

// Config is an agent's whole configuration. Exactly one of Enrol and Source says where the desired state comes from;
// everything else has a default that needs no thought.
type Config struct {
	// Enrol is the enrolment string of a server: "lull1:…".
	Enrol string `yaml:"enrol"`
	// Source is where the agent reads the manifests itself, with no server: git+https://… or dir:PATH.
	Source string `yaml:"source"`
	// Releases is a folder or a URL with the releases, for an agent with a Source.
	Releases string `yaml:"releases"`
	// Data is the agent's own folder. Default: /var/lib/lull, on Windows %ProgramData%\lull.
	Data string `yaml:"data"`
	// Roots are the folders below which installations may lie. Default: /opt, on Windows both Program Files.
	Roots []string `yaml:"roots"`
	// Interval between two looks, at least 1s. Default: 1m.
	Interval schema.Duration `yaml:"interval"`
	// Mode is apply, or report: observe and never change anything. Default: apply.
	Mode string `yaml:"mode"`
	// Labels that groups may select on.
	Labels map[string]string `yaml:"labels"`
	// Name overrides the workstation name that a client's ini file or the host name gives.
	Name string `yaml:"name"`
	// Host overrides the computer's host name; only demos and tests, which run many agents on one computer, set it.
	Host string `yaml:"host"`
}

// The modes of an agent.
const (
	ModeApply  = "apply"
	ModeReport = "report"
)

// minInterval keeps a typing error from making an agent scan processes all the time.
const minInterval = time.Second

// LoadConfig reads a configuration file, fills in the defaults and checks it.
func LoadConfig(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fmt.Errorf("read configuration: %s does not exist; write there `enrol: …` with the string that `lull token create --agents` prints", path)
	}
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) { // an empty file says nothing
		return Config{}, fmt.Errorf("read configuration %s: %w", path, err)
	}
	if !errors.Is(decoder.Decode(new(Config)), io.EOF) {
		return Config{}, fmt.Errorf("read configuration %s: it has more than one document", path)
	}
	if err := c.complete(); err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// complete fills in the defaults and checks the configuration; it lists every error.
func (c *Config) complete() error {
	if c.Data == "" {
		c.Data = DefaultData()
	}
	if len(c.Roots) == 0 {
		c.Roots = defaultRoots()
	}
	if c.Interval.Duration == 0 {
		c.Interval.Duration = time.Minute
	}
	if c.Mode == "" {
		c.Mode = ModeApply
	}
	if c.Host == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("ask for the host name: %w; set host", err)
		}
		c.Host = host
	}
	return errors.Join(c.validate()...)
}

func (c *Config) validate() (problems []error) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch {
	case c.Enrol == "" && c.Source == "":
		complain("enrol is missing: put there the string that `lull token create --agents` prints, or name a source")
	case c.Enrol != "" && c.Source != "":
		complain("enrol and source exclude each other: a server resolves, or the agent does")
	case c.Enrol != "" && c.Releases != "":
		complain("releases goes with source: with a server, releases come from it")
	case c.Source != "" && c.Releases == "":
		complain("releases is missing: name the folder or URL that `lull release add --into` filled")
	}
	if c.Enrol != "" {
		if _, err := wire.ParseEnrolment(c.Enrol); err != nil {
			complain("enrol: %w", err)
		}
	}
	if c.Interval.Duration < minInterval {
		complain("interval: %s is shorter than %s", c.Interval.Duration, minInterval)
	}
	if c.Mode != ModeApply && c.Mode != ModeReport {
		complain("mode: %q is neither %s nor %s", c.Mode, ModeApply, ModeReport)
	}
	if !filepath.IsAbs(c.Data) {
		complain("data: %s is not an absolute path", c.Data)
	}
	for _, root := range c.Roots {
		if !filepath.IsAbs(root) {
			complain("roots: %s is not an absolute path", root)
		}
	}
	return problems
}
