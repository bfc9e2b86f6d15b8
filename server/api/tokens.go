package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lull/internal/wire"
	"lull/server/access"
	"lull/server/inventory"
)

const (
	agentsDays  = 30 // that an enrolment string serves, unless told otherwise
	maxDays     = 3650
	maxTokenLen = 64 // characters of a token's name
)

func (a *api) registerTokens(h huma.API) {
	post := route(http.MethodPost, "/tokens", "Make a token; its secret is shown this once")
	post.DefaultStatus = http.StatusCreated
	huma.Register(h, route(http.MethodGet, "/tokens", "Tokens without their secrets"), a.tokens)
	huma.Register(h, post, a.makeToken)
	huma.Register(h, route(http.MethodDelete, "/tokens/{id}", "Revoke a token"), a.revoke)
}

func (a *api) tokens(context.Context, *struct{}) (*body[[]wire.TokenInfo], error) {
	list := []wire.TokenInfo{}
	for _, t := range a.Keeper.Tokens() {
		list = append(list, tokenInfo(t))
	}
	slices.SortFunc(list, func(x, y wire.TokenInfo) int { return strings.Compare(x.Name+x.ID, y.Name+y.ID) })
	return answer(list), nil
}

func tokenInfo(t access.Token) wire.TokenInfo {
	return wire.TokenInfo{ID: t.ID, Kind: t.Kind, Name: t.Name, Role: string(t.Role), Created: t.Created, Expires: t.Expires}
}

func (a *api) makeToken(ctx context.Context, in *body[wire.NewToken]) (*body[wire.MadeToken], error) {
	want := in.Body
	if want.Kind == access.KindAgents && want.Name == "" {
		want.Name = a.Keeper.FreeName(access.KindAgents)
	}
	if !inventory.Printable(want.Name, maxTokenLen) || want.Days < 0 || want.Days > maxDays {
		return nil, huma.Error422UnprocessableEntity("a token has a printable name of at most 64 characters and at most 3650 days")
	}
	t := access.Token{Name: want.Name, Kind: want.Kind}
	switch want.Kind {
	case access.KindPerson:
		role, err := access.ParsePerson(want.Role)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity(err.Error())
		}
		t.Role = role
	case access.KindAgents:
		if want.Days == 0 {
			want.Days = agentsDays
		}
	default:
		return nil, huma.Error422UnprocessableEntity("kind: want person or agents")
	}
	if want.Days > 0 {
		t.Expires = a.Now().Add(time.Duration(want.Days) * 24 * time.Hour)
	}
	secret := access.NewSecret()
	t, err := a.Keeper.Add(ctx, t, secret)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	if t.Kind == access.KindAgents {
		secret = a.Enrol(secret).String()
	}
	a.Log.InfoContext(ctx, "token made", "name", t.Name, "kind", t.Kind, "role", string(t.Role), "by", access.From(ctx).Name)
	return answer(wire.MadeToken{TokenInfo: tokenInfo(t), Secret: secret}), nil
}

func (a *api) revoke(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	if err := a.Keeper.Revoke(ctx, in.ID); err != nil {
		return nil, a.problem(ctx, err)
	}
	a.Log.InfoContext(ctx, "token revoked", "token", in.ID, "by", access.From(ctx).Name)
	return nil, nil
}
