package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ParseIndex reads and validates an index. Unknown fields, anything after the index and whatever Validate refuses are
// errors that wrap ErrRefused, so that an index in hand is one to act on.
func ParseIndex(data []byte) (*Index, error) {
	var i Index
	if err := strict(data, MaxIndexSize, &i); err != nil {
		return nil, fmt.Errorf("read index: %w: %w", ErrRefused, err)
	}
	if err := i.Validate(); err != nil {
		return nil, fmt.Errorf("read index: %w: %w", ErrRefused, err)
	}
	return &i, nil
}

// ParseCatalog reads a catalog and checks that every release in it has safe names and a digest.
func ParseCatalog(data []byte) (*Catalog, error) {
	var c Catalog
	if err := strict(data, MaxCatalogSize, &c); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	for _, ref := range c.Releases {
		if err := checkIdentity(ref.Client, ref.Version, ref.System); err != nil {
			return nil, fmt.Errorf("read catalog: %w", err)
		}
		if !hexDigest.MatchString(ref.SHA256) || ref.Size < 0 || ref.Size > MaxTotalSize {
			return nil, fmt.Errorf("read catalog: %s: has no proper digest and size", ref)
		}
	}
	return &c, nil
}

func strict(data []byte, limit int, v any) error {
	if len(data) > limit {
		return fmt.Errorf("has %d bytes, the limit is %d", len(data), limit)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end")
	}
	return nil
}

// Encode is the index as it is stored. The same index always gives the same bytes, and so the same digest.
func (i *Index) Encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(i); err != nil {
		panic(err) // strings, numbers and text marshalers that cannot fail
	}
	return b.Bytes()
}

// Digest is the SHA-256 of data as 64 lower-case hexadecimal digits.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
