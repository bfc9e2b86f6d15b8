package inventory

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// SQLite keeps computers in a server's database.
type SQLite struct{ db *sql.DB }

// NewSQLite makes a Store over a database that was opened by package database.
func NewSQLite(db *sql.DB) *SQLite { return &SQLite{db} }

// Load returns all computers.
func (s *SQLite) Load(ctx context.Context) ([]Computer, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, key, host, enrolled, seen, report FROM computers ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("load computers: %w", err)
	}
	defer rows.Close()
	var all []Computer
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("load computers: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func scan(rows *sql.Rows) (Computer, error) {
	var c Computer
	var enrolled, seen int64
	var report []byte
	if err := rows.Scan(&c.ID, &c.Key, &c.Host, &enrolled, &seen, &report); err != nil {
		return c, err
	}
	c.Enrolled, c.Seen = time.Unix(enrolled, 0).UTC(), time.Unix(seen, 0).UTC()
	if err := json.Unmarshal(report, &c); err != nil {
		return c, fmt.Errorf("computer %s: %w", c.ID, err)
	}
	return c, nil
}

// Save inserts or replaces computers in one transaction.
func (s *SQLite) Save(ctx context.Context, computers []Computer) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("save computers: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	put, err := tx.PrepareContext(ctx, `INSERT INTO computers (id, key, host, enrolled, seen, report) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET host = excluded.host, seen = excluded.seen, report = excluded.report`)
	if err != nil {
		return fmt.Errorf("save computers: %w", err)
	}
	defer put.Close()
	for _, c := range computers {
		report, err := json.Marshal(c)
		if err == nil {
			_, err = put.ExecContext(ctx, c.ID, c.Key, c.Host, c.Enrolled.Unix(), c.Seen.Unix(), string(report))
		}
		if err != nil {
			return fmt.Errorf("save computer %s: %w", c.ID, err)
		}
	}
	return tx.Commit()
}

// Delete forgets a computer.
func (s *SQLite) Delete(ctx context.Context, id string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM computers WHERE id = ?`, id); err != nil {
		return fmt.Errorf("delete computer %s: %w", id, err)
	}
	return nil
}
