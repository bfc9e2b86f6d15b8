//go:build !windows

package api

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// What fails on the server's disk is no fault of who asked, and names no path of it.
func TestProblemsOfTheDisk(t *testing.T) {
	a := &api{Config{Log: slog.New(slog.DiscardHandler)}}
	for cause, want := range map[syscall.Errno]int{
		syscall.ENOSPC: http.StatusInsufficientStorage, syscall.EDQUOT: http.StatusInsufficientStorage, syscall.EIO: http.StatusInternalServerError,
	} {
		err := a.problem(t.Context(), fmt.Errorf("store: %w", &fs.PathError{Op: "write", Path: "/var/lib/lull", Err: cause}))
		var status huma.StatusError
		if !errors.As(err, &status) || status.GetStatus() != want || strings.Contains(err.Error(), "/var") {
			t.Errorf("%v: got %v, want %d", cause, err, want)
		}
	}
}
