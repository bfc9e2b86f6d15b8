package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"lull/internal/build"
	"lull/internal/voice"
	"lull/internal/wire"
)

// connection is where the server is and who asks: from flags, else the environment, else the user's configuration.
type connection struct {
	Server string `yaml:"server"`
	Token  string `yaml:"token"`
	CA     string `yaml:"ca"` // a file

	http *http.Client
}

// flags puts the three flags on a command.
func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.Server, "server", "", "`address` of Lull's server (else LULL_SERVER, else the user's configuration)")
	f.StringVar(&c.Token, "token", "", "a person's `token` (else LULL_TOKEN, else the user's configuration)")
	f.StringVar(&c.CA, "ca", "", "`file` with the server's CA (else LULL_CA, else the user's configuration)")
}

// errNoServer says what is missing before anything was asked.
var errNoServer = errors.New("no server named: give --server, set LULL_SERVER, or write server, token and ca into ")

// open completes the connection; it does not talk to the server yet.
func (c *connection) open() error {
	if c.http != nil {
		return nil
	}
	kept, path, err := keptConnection()
	if err != nil {
		return err
	}
	c.Server = strings.TrimRight(cmp.Or(c.Server, os.Getenv("LULL_SERVER"), kept.Server), "/")
	c.Token = cmp.Or(c.Token, os.Getenv("LULL_TOKEN"), kept.Token)
	c.CA = cmp.Or(c.CA, os.Getenv("LULL_CA"), kept.CA)
	if c.Server == "" {
		return fmt.Errorf("%w%s", errNoServer, path)
	}
	if address, err := url.Parse(c.Server); err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" {
		return voice.Hint(fmt.Errorf("%q is no address of a server", c.Server), "write it as https://HOST:PORT")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		if config.RootCAs, err = readPool(c.CA); err != nil {
			return err
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	c.http = &http.Client{Transport: transport}
	return nil
}

// keptConnection reads connection.yaml in the user's configuration folder; absent is fine.
func keptConnection() (kept connection, path string, err error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return kept, "connection.yaml in the user's configuration folder", nil
	}
	path = filepath.Join(folder, "lull", "connection.yaml")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, path, nil
	}
	if err == nil {
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		decoder.KnownFields(true)
		err = decoder.Decode(&kept)
	}
	if err != nil {
		return kept, path, fmt.Errorf("read %s: %w", path, err)
	}
	return kept, path, nil
}

func readPool(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the server's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("read the server's CA: %s holds no certificate in PEM", file)
	}
	return pool, nil
}

// problem is an answer of the server that is not what was asked for.
type problem struct{ wire.Problem }

func problemOf(response *http.Response) *problem {
	p := &problem{}
	body := io.LimitReader(response.Body, maxAnswer)
	_ = json.NewDecoder(body).Decode(&p.Problem) // a proxy may answer in HTML; then the status has to do
	p.Status = response.StatusCode
	return p
}

// problemHint says what a person can do about an answer that is none.
func problemHint(p *problem) error {
	switch p.Status {
	case http.StatusUnauthorized:
		return voice.Hint(p, "give a valid token with --token or LULL_TOKEN")
	case http.StatusBadRequest:
		if p.Detail == "" && p.Title == "" {
			return voice.Hint(p, "does the server speak TLS? then its address begins with https://")
		}
	}
	return p
}

func (p *problem) Error() string {
	text := cmp.Or(p.Detail, p.Title, http.StatusText(p.Status))
	var lines strings.Builder
	for _, e := range p.Errors {
		lines.WriteString("\n  ")
		if e.Location != "" {
			lines.WriteString(e.Location + ": ")
		}
		lines.WriteString(e.Message)
	}
	return text + lines.String()
}

// call is one request to the server.
type call struct {
	method string
	path   string // below /api/v1
	query  url.Values
	header http.Header
	body   io.Reader // sent as it is; its type is in header
	send   any       // sent as JSON
}

// do sends a call and reads the answer, bounded, into answer (a pointer, or nil).
func (c *connection) do(ctx context.Context, call call, answer any) error {
	response, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return problemHint(problemOf(response))
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", call.path, err)
	}
	return nil
}

// maxAnswer bounds an answer: 100,000 workstations are a tenth of it.
const maxAnswer = 1 << 30

func (c *connection) send(ctx context.Context, call call) (*http.Response, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	if call.send != nil {
		data, err := json.Marshal(call.send)
		if err != nil {
			return nil, err
		}
		call.body = bytes.NewReader(data)
	}
	address := c.Server + wire.PathAPI + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, cmp.Or(call.method, http.MethodGet), address, call.body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	for name, values := range call.header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "lull/"+build.Version)
	request.Header.Set("Authorization", "Bearer "+c.Token)
	if call.send != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, askHint(fmt.Errorf("ask %s: %w", c.Server, err))
	}
	return response, nil
}

// askHint says what a person can do about a request that did not get through.
func askHint(err error) error {
	var unknown x509.UnknownAuthorityError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return voice.Hint(err, "name the server's CA with --ca or LULL_CA; the server writes it to ca.pem in its data folder")
	case errors.As(err, &plain):
		return voice.Hint(err, "this server speaks plain http: write http:// in its address")
	}
	return err
}

// pages reads all pages of a list. next takes one page in and returns where the following one begins, "" at the end.
func (c *connection) pages(ctx context.Context, path string, query url.Values, page any, next func() string) error {
	if query == nil {
		query = url.Values{}
	}
	for {
		if err := c.do(ctx, call{path: path, query: query}, page); err != nil {
			return err
		}
		after := next()
		if after == "" {
			return nil
		}
		query.Set("after", after)
	}
}

// ready waits until the server answers, for commands that have just started one.
func (c *connection) ready(ctx context.Context) error {
	if err := c.open(); err != nil {
		return err
	}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Server+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := c.http.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server at %s: %w", c.Server, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
