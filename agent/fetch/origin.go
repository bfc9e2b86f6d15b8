package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// origin opens the files of a store by their names in its layout.
type origin interface {
	// open opens a file at offset. The body begins at 0 instead where the origin cannot do that, or where the file is no
	// longer the one that etag names.
	open(ctx context.Context, name string, offset int64, etag string) (*body, error)
}

type body struct {
	io.ReadCloser
	offset int64  // where in the file it begins
	size   int64  // of the whole file; -1 if unknown
	etag   string // of the whole file; "" if there is none to compare with
	page   bool   // a web page, which may be somebody else's answer
}

// folder is a store in a folder, perhaps on a share.
type folder string

func (f folder) open(_ context.Context, name string, offset int64, _ string) (*body, error) {
	file, err := os.Open(filepath.Join(string(f), filepath.FromSlash(name)))
	if err != nil {
		return nil, f.explain(err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() < offset {
		offset = 0
	}
	if err == nil {
		_, err = file.Seek(offset, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(&Unavailable{Err: err}, file.Close())
	}
	return &body{ReadCloser: file, offset: offset, size: info.Size()}, nil
}

// explain tells a missing file from a missing folder, which is perhaps a share that is not mounted now.
func (f folder) explain(err error) error {
	if _, gone := os.Stat(string(f)); gone == nil && errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return &Unavailable{Err: err}
}

// web is a store behind a web server.
type web struct {
	base      *url.URL
	client    *http.Client
	authorize func(*http.Request) error
}

func newWeb(address string, o Options) (*web, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if !private(base) {
		return nil, fmt.Errorf("%s: want an https address (http is for loopback only) or a folder", base.Redacted())
	}
	client := *o.Client
	if client.CheckRedirect == nil {
		client.CheckRedirect = stayPrivate
	}
	return &web{base, &client, o.Authorize}, nil
}

// stayPrivate follows no redirection to where newWeb would not have gone, nor more of them than net/http does.
func stayPrivate(next *http.Request, before []*http.Request) error {
	if len(before) >= 10 || !private(next.URL) {
		return &Refused{Status: "redirection to " + next.URL.Redacted()}
	}
	return nil
}

// private reports whether nobody on the way can read or change what is fetched.
func private(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (w *web) open(ctx context.Context, name string, offset int64, etag string) (*body, error) {
	answer, err := w.get(ctx, name, offset, etag)
	if err != nil {
		return nil, err
	}
	b := &body{ReadCloser: answer.Body, size: answer.ContentLength, etag: strong(answer.Header.Get("ETag")), page: page(answer)}
	switch answer.StatusCode {
	case http.StatusOK:
		return b, nil
	case http.StatusPartialContent:
		b.offset, b.size, err = contentRange(answer.Header.Get("Content-Range"))
		if err == nil && b.offset == offset {
			return b, nil
		}
	}
	drop(answer.Body)
	if offset > 0 && (answer.StatusCode == http.StatusPartialContent || answer.StatusCode == http.StatusRequestedRangeNotSatisfiable) {
		return w.open(ctx, name, 0, "") // no use of this range
	}
	return nil, refusal(answer)
}

func (w *web) get(ctx context.Context, name string, offset int64, etag string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base.JoinPath(name).String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // sizes and ranges are those of the file
	if offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		if etag != "" {
			request.Header.Set("If-Range", etag)
		}
	}
	if w.authorize != nil {
		if err := w.authorize(request); err != nil {
			return nil, err
		}
	}
	answer, err := w.client.Do(request)
	var (
		untrusted *tls.CertificateVerificationError
		refused   *Refused
	)
	if errors.As(err, &untrusted) || errors.As(err, &refused) {
		return nil, err
	}
	if err != nil {
		return nil, &Unavailable{Err: err}
	}
	return answer, nil
}

// refusal is the error for a status that brings no content.
func refusal(answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusPartialContent:
		return &Unavailable{RetryAfter: retryAfter(answer), Err: errors.New(answer.Status)}
	}
	return &Refused{Status: answer.Status}
}

// retryAfter reads the header in both of its forms: RFC 9110, 10.2.3.
func retryAfter(answer *http.Response) time.Duration {
	value := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(answer.Header.Get("Date")) // both by the source's clock
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}

// contentRange reads "bytes 5-9/10" as offset 5 of 10 bytes: RFC 9110, 14.4. The size is -1 where it is "*".
func contentRange(value string) (offset, size int64, err error) {
	rest, bytes := strings.CutPrefix(value, "bytes ")
	span, total, slash := strings.Cut(rest, "/")
	first, _, dash := strings.Cut(span, "-")
	if !bytes || !slash || !dash {
		return 0, 0, fmt.Errorf("content range %.80q", value)
	}
	offset, err = strconv.ParseInt(first, 10, 64)
	if err != nil || total == "*" {
		return offset, -1, err
	}
	size, err = strconv.ParseInt(total, 10, 64)
	return offset, size, err
}

// strong is an ETag that stands for the same bytes, as If-Range needs it, or "".
func strong(etag string) string {
	if strings.HasPrefix(etag, `"`) {
		return etag
	}
	return ""
}

func page(answer *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return kind == "text/html"
}

// drop ends a body so that its connection can be used again, if that is cheap.
func drop(b io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, b, 4<<10) // what is left over only costs a connection
	_ = b.Close()
}
