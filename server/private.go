package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"lull/server/pki"
)

// keepPrivate takes the data folder, and what is secret in it, away from everybody but the server's own user. On Windows
// that is the matter of access lists, which a folder inherits from where it was made.
func (s *Server) keepPrivate() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if err := s.restrict(s.config.Data, 0o700); err != nil {
		return err
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", pki.KeyFile, AdminTokenFile} {
		if err := s.restrict(s.path(name), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// restrict removes from a file or folder, which need not be there, what its mode allows beyond most.
func (s *Server) restrict(path string, most fs.FileMode) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode().Perm()&^most != 0 {
		s.log.Warn("others could read this; now they cannot", "path", path, "mode", info.Mode().Perm().String())
		err = os.Chmod(path, most)
	}
	if err != nil {
		return fmt.Errorf("keep the data folder private: %w: make the user that runs the server its owner", err)
	}
	return nil
}
