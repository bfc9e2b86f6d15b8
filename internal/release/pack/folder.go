package pack

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// openFolder reads a folder through os.Root, so that no link in it leads out.
func openFolder(name string) (*Package, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	size, err := folderSize(root.FS())
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	each := func(ctx context.Context, visit Visitor) error { return eachFile(ctx, root, visit) }
	return &Package{Size: size, each: each, close: root.Close}, nil
}

func folderSize(folder fs.FS) (size int64, err error) {
	err = fs.WalkDir(folder, ".", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

func eachFile(ctx context.Context, root *os.Root, visit Visitor) error {
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return visit(name, entry.Type(), nil)
		}
		return visitFile(root, name, visit)
	})
}

func visitFile(root *os.Root, name string, visit Visitor) (err error) {
	content, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	info, err := content.Stat()
	if err != nil {
		return err
	}
	return visit(name, info.Mode(), content)
}
