package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/schema"
	"lull/server/access"
	"lull/server/releases"
)

const uploadStall = time.Minute // without a byte, and an upload is given up

func (a *api) registerReleases(h huma.API) {
	post := route(http.MethodPost, "/releases", "Store a release: a tar stream, index.json first, then blobs")
	post.DefaultStatus = http.StatusCreated
	huma.Register(h, route(http.MethodGet, "/releases", "Stored releases"), a.listReleases)
	huma.Register(h, post, a.upload)
	missing := route(http.MethodPost, "/releases/missing", "What an upload of a release has to bring: the store has the rest")
	missing.MaxBodyBytes, missing.SkipValidateBody = release.MaxIndexSize, true // package release checks an index
	huma.Register(h, missing, a.missing)
	huma.Register(h, route(http.MethodDelete, "/releases/{client}/{version}/{system}", "Remove a stored release"), a.removeRelease)
}

func (a *api) listReleases(ctx context.Context, _ *struct{}) (*body[wire.Releases], error) {
	refs, err := a.Releases.List()
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	out := wire.Releases{Items: make([]wire.StoredRelease, len(refs))}
	for i, ref := range refs {
		out.Items[i].Ref = ref
		for _, m := range a.Source.Current().Set.Releases {
			if m.Spec.Client == ref.Client && m.Spec.Version.Equal(ref.Version) {
				out.Items[i].Approved, out.Items[i].Withdrawn = m.Spec.Approved, m.Spec.Withdrawn
			}
		}
	}
	return answer(out), nil
}

// upload is a request whose body is read as a stream.
type upload struct{ body io.Reader }

// Resolve gives the handler the stream, which is given up when it stands still.
func (u *upload) Resolve(ctx huma.Context) []error {
	_, w := humago.Unwrap(ctx)
	u.body = &moving{ctx.BodyReader(), http.NewResponseController(w)}
	return nil
}

type moving struct {
	io.Reader
	control *http.ResponseController
}

func (m *moving) Read(p []byte) (int, error) {
	_ = m.control.SetReadDeadline(time.Now().Add(uploadStall)) // a writer that cannot is no network connection
	return m.Reader.Read(p)
}

func (a *api) upload(ctx context.Context, in *upload) (*body[release.Ref], error) {
	ref, err := releases.Receive(ctx, a.Releases, in.body)
	if err == nil {
		err = a.Current.Refresh()
	}
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	a.Log.InfoContext(ctx, "release stored", "release", ref.String(), "by", access.From(ctx).Name)
	return answer(ref), nil
}

func (a *api) missing(ctx context.Context, in *struct {
	RawBody []byte `contentType:"application/json"`
}) (*body[wire.Missing], error) {
	index, err := release.ParseIndex(in.RawBody)
	if err != nil {
		return nil, a.problem(ctx, fmt.Errorf("%w: %w", releases.ErrUpload, err))
	}
	out := wire.Missing{Blobs: []string{}}
	for _, f := range a.Releases.Missing(index) {
		out.Blobs = append(out.Blobs, f.SHA256)
	}
	return answer(out), nil
}

func (a *api) removeRelease(ctx context.Context, in *struct {
	Client  string `path:"client"`
	Version string `path:"version"`
	System  string `path:"system"`
}) (*struct{}, error) {
	version, err := schema.ParseVersion(in.Version)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	if err = a.Releases.Remove(ctx, in.Client, version, in.System); err == nil {
		err = a.Current.Refresh()
	}
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	a.Log.InfoContext(ctx, "release removed", "client", in.Client, "version", in.Version, "system", in.System, "by", access.From(ctx).Name)
	return nil, nil
}
