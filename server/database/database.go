// Package database opens the one SQLite file of a server and brings it to the newest layout.
//
// The file holds what must survive a restart and is no manifest: hashes of tokens, and the computers with their last
// report. Everybody else asks packages access and inventory, which own one table each; this package knows only how the
// file is opened. It runs in WAL mode with synchronous=NORMAL: a power cut may lose the last second of reports, which
// the next check-ins bring back, and never damages the file.
package database

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the file at path, makes it readable for its owner alone if it is not there, and applies the migrations that
// it lacks. The files that SQLite keeps beside it take its mode.
func Open(ctx context.Context, path string) (*sql.DB, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite's own mode would be 0644
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if err := migrate(ctx, db); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

func dsn(path string) string {
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(5000)"}, "_txlock": {"immediate"}}
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: pragmas.Encode()}).String()
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
