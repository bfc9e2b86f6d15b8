package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// faulty is a server that serves a file and misbehaves with its n-th request, counted from 1.
func faulty(s *store, misbehave func(n int, w http.ResponseWriter, r *http.Request) bool) (http.Handler, *atomic.Int32) {
	var n atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !misbehave(int(n.Add(1)), w, r) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.content))
		}
	}), &n
}

// cut sends some bytes of an answer that promises more, and ends the connection.
func cut(w http.ResponseWriter, data []byte, promised int) {
	w.Header().Set("Content-Length", strconv.Itoa(promised))
	_, _ = w.Write(data)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func offset(r *http.Request) (n int) {
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &n) // 0 where there is none
	return n
}

func TestFaultsThatPass(t *testing.T) {
	tests := map[string]func(s *store, n int, w http.ResponseWriter, r *http.Request) bool{
		"cut at every 30 kB": func(s *store, n int, w http.ResponseWriter, r *http.Request) bool {
			from := offset(r)
			if len(s.content)-from <= 30_000 {
				return false
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(s.content)-1, len(s.content)))
			if from > 0 {
				w.Header().Set("Content-Length", strconv.Itoa(len(s.content)-from))
				w.WriteHeader(http.StatusPartialContent)
			}
			cut(w, s.content[from:from+30_000], len(s.content)-from)
			return true
		},
		"ranges ignored": func(s *store, n int, w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			if n == 1 {
				cut(w, s.content[:100_000], len(s.content))
			}
			return false
		},
		"range refused": func(s *store, n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				cut(w, s.content[:100_000], len(s.content))
			}
			if n == 2 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return n == 2
		},
		"another range": func(s *store, n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				cut(w, s.content[:100_000], len(s.content))
			}
			if n == 2 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(s.content)-1, len(s.content)))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(s.content[5:])
			}
			return n == 2
		},
		"other bytes first": func(s *store, n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				cut(w, bytes.Repeat([]byte("x"), 100_000), len(s.content))
			}
			return false
		},
		"stalls": func(s *store, n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				w.Header().Set("Content-Length", strconv.Itoa(len(s.content)))
				_, _ = w.Write(s.content[:100_000])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}
			return n == 1
		},
		"trickles": func(s *store, n int, w http.ResponseWriter, r *http.Request) bool {
			for k := 0; n == 1 && r.Context().Err() == nil; k++ {
				_, _ = w.Write(s.content[k : k+1])
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
			return n == 1
		},
		"no answer": func(_ *store, n int, _ http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				<-r.Context().Done()
			}
			return n == 1
		},
		"captive portal": func(_ *store, n int, w http.ResponseWriter, _ *http.Request) bool {
			if n <= 2 {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = w.Write([]byte("<html>please sign in</html>"))
			}
			return n <= 2
		},
		"server errors": func(_ *store, n int, w http.ResponseWriter, _ *http.Request) bool {
			statuses := []int{500, 502, 503, 504, 429, 408}
			if n <= len(statuses) {
				w.WriteHeader(statuses[n-1])
			}
			return n <= len(statuses)
		},
	}
	for name, misbehave := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			handler, asked := faulty(s, func(n int, w http.ResponseWriter, r *http.Request) bool { return misbehave(s, n, w, r) })
			dst := filepath.Join(t.TempDir(), "big")
			if err := serve(t, handler).Fetch(t.Context(), s.file, dst); err != nil {
				t.Fatal(err)
			}
			wantFile(t, dst, s.content)
			if asked.Load() < 2 {
				t.Error("the fault was not met")
			}
		})
	}
}

func TestFaultsThatStay(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	endless := func(w http.ResponseWriter) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}
	isUnavailable := func(err error) bool { return errors.As(err, new(*Unavailable)) }
	isCorrupt := func(err error) bool { return errors.As(err, new(*Corrupt)) }
	isRefused := func(err error) bool { return errors.As(err, new(*Refused)) }
	openly := func(w http.ResponseWriter) {
		w.Header().Set("Location", "http://192.0.2.1/big")
		w.WriteHeader(302)
	}
	tests := map[string]struct {
		answer func(http.ResponseWriter)
		is     func(error) bool
		asked  int32
	}{
		"always cut":     {func(w http.ResponseWriter) { cut(w, nil, 300_000) }, isUnavailable, maxTries},
		"always 503":     {status(503), isUnavailable, maxTries},
		"always a page":  {func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); w.WriteHeader(200) }, isUnavailable, maxTries},
		"half, no range": {func(w http.ResponseWriter) { cut(w, make([]byte, 150_000), 300_000) }, isUnavailable, maxTries},
		"unauthorized":   {status(401), isRefused, 1},
		"forbidden":      {status(403), isRefused, 1},
		"proxy":          {status(407), isRefused, 1},
		"sent to http":   {openly, isRefused, 1},
		"gone":           {status(410), func(err error) bool { return errors.Is(err, ErrNotFound) }, 1},
		"endless":        {endless, isCorrupt, 1},
		"zeros":          {func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 300_000)) }, isCorrupt, 1},
		"length lies":    {func(w http.ResponseWriter) { _, _ = w.Write([]byte("short")) }, isCorrupt, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			handler, asked := faulty(s, func(_ int, w http.ResponseWriter, _ *http.Request) bool { test.answer(w); return true })
			dst := filepath.Join(t.TempDir(), "big")
			err := serve(t, handler).Fetch(t.Context(), s.file, dst)
			if !test.is(err) || asked.Load() != test.asked {
				t.Errorf("asked %d times, want %d; got %v", asked.Load(), test.asked, err)
			}
			wantGone(t, dst)
		})
	}
}

func TestACancelledFetchGoesOnLater(t *testing.T) {
	s := newStore(t)
	var got int
	handler, _ := faulty(s, func(n int, w http.ResponseWriter, r *http.Request) bool {
		got = offset(r)
		if n == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(s.content)))
			_, _ = w.Write(s.content[:200_000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
		return n == 1
	})
	source := serve(t, handler)
	source.stall = time.Minute
	dst := filepath.Join(t.TempDir(), "big")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if info, err := os.Stat(dst + partSuffix); err == nil && info.Size() >= 200_000 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := source.Fetch(ctx, s.file, dst); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	wantGone(t, dst)
	if err := source.Fetch(t.Context(), s.file, dst); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dst, s.content)
	if got != 200_000 {
		t.Errorf("went on at %d, want 200000", got)
	}
}

func TestEtagsKeepTwoFilesApart(t *testing.T) {
	s := newStore(t)
	old := bytes.Repeat([]byte("o"), len(s.content))
	handler, asked := faulty(s, func(n int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, min(n, 2)))
		if n == 1 {
			cut(w, old[:100_000], len(old))
		}
		return false
	})
	dst := filepath.Join(t.TempDir(), "big")
	if err := serve(t, handler).Fetch(t.Context(), s.file, dst); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dst, s.content)
	if asked.Load() != 2 {
		t.Errorf("asked %d times: the old part was gone on with", asked.Load())
	}
}

func TestAuthorizeIsAskedForEachRequest(t *testing.T) {
	s := newStore(t)
	var sent []string
	handler, _ := faulty(s, func(n int, w http.ResponseWriter, r *http.Request) bool {
		sent = append(sent, r.Header.Get("Authorization"))
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n == 1
	})
	source := serve(t, handler)
	calls := 0
	source.origin.(*web).authorize = func(r *http.Request) error {
		calls++
		r.Header.Set("Authorization", fmt.Sprint("Bearer ", calls))
		return nil
	}
	if err := source.Fetch(t.Context(), s.file, filepath.Join(t.TempDir(), "f")); err != nil {
		t.Fatal(err)
	}
	if len(sent) != 2 || sent[1] != "Bearer 2" {
		t.Errorf("sent %q", sent)
	}
	locked := errors.New("revoked")
	source.origin.(*web).authorize = func(*http.Request) error { return locked }
	if err := source.Fetch(t.Context(), s.file, filepath.Join(t.TempDir(), "f")); !errors.Is(err, locked) {
		t.Errorf("got %v", err)
	}
}

// away is a transport whose answer is always the same refusal.
type away struct {
	header http.Header
	asked  int
}

func (a *away) RoundTrip(*http.Request) (*http.Response, error) {
	a.asked++
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Status: "503 Busy", Header: a.header, Body: http.NoBody}, nil
}

func TestRetryAfterIsHonoured(t *testing.T) {
	date := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		header   http.Header
		asked    int
		from, to time.Duration // of the whole fetch
		after    time.Duration
	}{
		"seconds":     {http.Header{"Retry-After": {"20"}}, maxTries, 7 * 20 * time.Second, 7 * 30 * time.Second, 20 * time.Second},
		"long":        {http.Header{"Retry-After": {"3600"}}, 1, 0, 0, time.Hour},
		"date":        {http.Header{"Retry-After": {date.Add(time.Hour).Format(http.TimeFormat)}, "Date": {date.Format(http.TimeFormat)}}, 1, 0, 0, time.Hour},
		"nonsense":    {http.Header{"Retry-After": {"soon"}}, maxTries, 0, 2 * time.Minute, 0},
		"negative":    {http.Header{"Retry-After": {"-5"}}, maxTries, 0, 2 * time.Minute, 0},
		"in the past": {http.Header{"Retry-After": {date.Format(http.TimeFormat)}, "Date": {date.Add(time.Hour).Format(http.TimeFormat)}}, maxTries, 0, 2 * time.Minute, 0},
	}
	s := newStore(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &away{header: test.header}
				source := open(t, "http://127.0.0.1", Options{Client: &http.Client{Transport: transport}})
				begin := time.Now()
				err := source.Fetch(t.Context(), s.file, filepath.Join(t.TempDir(), "f"))
				var u *Unavailable
				if !errors.As(err, &u) || u.RetryAfter != test.after || transport.asked != test.asked {
					t.Errorf("asked %d times, got %v", transport.asked, err)
				}
				if took := time.Since(begin); took < test.from || took > test.to {
					t.Errorf("took %s, want %s to %s", took, test.from, test.to)
				}
			})
		})
	}
}
