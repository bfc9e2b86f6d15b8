package server

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/wire"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// get reads manifests as they are written.
func (r *running) get(path string) string {
	r.t.Helper()
	status, data := r.call(r.admin, http.MethodGet, "/api/v1/manifests"+path, nil)
	if status != http.StatusOK {
		r.t.Fatalf("GET %s: status %d: %s", path, status, data)
	}
	return string(data)
}

func (r *running) setVersion(in wire.SetVersion, query string) (plan wire.Plan) {
	r.t.Helper()
	in.Client, in.Reason = "viewer", "CHG-1"
	r.do(http.StatusOK, http.MethodPost, "/api/v1/version"+query, in, &plan)
	return plan
}

func TestManifestsAreKeptAsWritten(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	if got := r.get("/client/viewer"); !strings.Contains(got, "# the client") {
		t.Errorf("the comment is lost:\n%s", got)
	}
	var asJSON struct{ Spec struct{ DisplayName string } }
	r.do(http.StatusOK, http.MethodGet, "/api/v1/manifests/Client/viewer", nil, &asJSON, "Accept", "application/json")
	if asJSON.Spec.DisplayName != "The viewer" {
		t.Errorf("as JSON: %+v", asJSON)
	}
	var list []any
	r.do(http.StatusOK, http.MethodGet, "/api/v1/manifests?kind=server", nil, &list, "Accept", "application/json")
	if len(list) != 1 {
		t.Errorf("list: %+v", list)
	}
	r.apply(r.get("")) // what is read can be written, and changes nothing
	var revisions wire.Revisions
	r.do(http.StatusOK, http.MethodGet, "/api/v1/revisions", nil, &revisions)
	if len(revisions.History) != 1 {
		t.Errorf("writing the same again made a commit: %+v", revisions.History)
	}
}

// A workstation that is named twice, in whatever case, is one.
func TestWorkstationNamedTwice(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	plan := r.setVersion(wire.SetVersion{Version: "5.8.1", Workstations: []string{"pc-1", "PC-1"}}, "")
	if diff := cmp.Diff([]string{"Workstation pc-1"}, plan.Changed); diff != "" {
		t.Error(diff)
	}
}

// One request may hold many documents, cut in every way that YAML knows.
func TestManyDocumentsInOneRequest(t *testing.T) {
	group := `{apiVersion: lull/v1, kind: Group, metadata: {name: g}, spec: {client: viewer, members: {all: true}, version: newest}}` + "\n"
	for _, cut := range []string{"---\n", "--- ", "---\t# a comment\n", "...\n", "...\r\n---\r\n", "---\n# nothing\n---\n"} {
		r := start(t, Config{})
		if plan := r.apply(manifestsYAML + cut + group); len(plan.Changed) != 3 {
			t.Errorf("cut by %q: changed %v", cut, plan.Changed)
		}
	}
}

func TestWritesNeedReasonAndRevision(t *testing.T) {
	r := start(t, Config{})
	plan := r.apply(manifestsYAML)
	group := "apiVersion: lull/v1\nkind: Group\nmetadata: {name: g}\nspec: {client: viewer, members: {all: true}, version: newest}\n"
	path := "/api/v1/manifests/group/g"
	r.do(http.StatusBadRequest, http.MethodPut, path, group, nil)
	r.do(http.StatusPreconditionFailed, http.MethodPut, path+"?reason=x", group, nil, "If-Match", `"`+strings.Repeat("0", 40)+`"`)
	r.do(http.StatusOK, http.MethodPut, path+"?reason=x", group, nil, "If-Match", `"`+plan.Revision+`"`)
	r.do(http.StatusUnprocessableEntity, http.MethodPut, "/api/v1/manifests/group/other?reason=x", group, nil)
	r.do(http.StatusNotFound, http.MethodPut, "/api/v1/manifests/thing/g?reason=x", group, nil)
	r.do(http.StatusOK, http.MethodDelete, path+"?reason=x", nil, nil)
	r.do(http.StatusNotFound, http.MethodDelete, path+"?reason=x", nil, nil)
}

func TestHistoryAfterNoRevision(t *testing.T) {
	r := start(t, Config{})
	revision := r.apply(manifestsYAML).Revision
	for after, want := range map[string]int{
		revision: http.StatusOK, "nonsense": http.StatusNotFound, revision[:39]: http.StatusNotFound, strings.Repeat("0", 40): http.StatusNotFound,
	} {
		r.do(want, http.MethodGet, "/api/v1/revisions?after="+after, nil, nil)
	}
}

func TestWrongManifestsChangeNothing(t *testing.T) {
	r := start(t, Config{})
	before := r.apply(manifestsYAML).Revision
	wrong := strings.Replace(manifestsYAML, "displayName", "displayNam", 1) + "---\napiVersion: lull/v1\nkind: Group\nmetadata: {name: g}\nspec: {client: nobody, members: {all: true}}\n"
	var p wire.Problem
	r.do(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/manifests?reason=x", wrong, &p)
	if len(p.Errors) == 0 || p.Errors[0].Location == "" {
		t.Errorf("no errors with places: %+v", p)
	}
	var revisions wire.Revisions
	r.do(http.StatusOK, http.MethodGet, "/api/v1/revisions", nil, &revisions)
	if revisions.Current != before {
		t.Error("a wrong request changed the manifests")
	}
}

// Update all workstations writes the group of everybody and removes exact pins elsewhere, in one commit; a preview names
// each of them and writes nothing.
func TestSetVersionForAll(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	for _, v := range []string{"5.8.0", "5.8.1"} {
		r.upload(v)
	}
	a := r.agent(r.enrolment(), "pc-1")
	a.checkin(a.report("CARD ECG 01", "5.8.0"))

	r.setVersion(wire.SetVersion{Version: "5.8.0", Workstations: []string{"CARD ECG 01"}}, "")
	if got := r.get("/workstation/card-ecg-01"); !strings.Contains(got, `"5.8.0"`) || !strings.Contains(got, "CARD ECG 01") {
		t.Fatalf("the workstation's manifest:\n%s", got)
	}
	want := []string{"Group all", "Workstation card-ecg-01"}
	preview := r.setVersion(wire.SetVersion{Version: "5.8.1", All: true}, "?dryRun=true")
	if diff := cmp.Diff(want, preview.Changed); diff != "" || preview.Applied {
		t.Fatalf("preview: applied %v %s", preview.Applied, diff)
	}
	if e := preview.Effects; len(e) != 1 || !e[0].Changed || e[0].Before.String() != "5.8.0" || e[0].After.String() != "5.8.1" {
		t.Fatalf("effects: %+v", e)
	}
	r.get("/workstation/card-ecg-01") // still there
	kept := r.setVersion(wire.SetVersion{Version: "5.8.1", All: true, KeepPins: true}, "?dryRun=true")
	if diff := cmp.Diff([]string{"Group all"}, kept.Changed); diff != "" {
		t.Error(diff)
	}
	r.setVersion(wire.SetVersion{Version: "5.8.1", All: true}, "")
	if status, _ := r.call(r.admin, http.MethodGet, "/api/v1/manifests/workstation/card-ecg-01", nil); status != http.StatusNotFound {
		t.Errorf("the pin is still there: status %d", status)
	}
	if d := a.checkin(a.report("CARD ECG 01", "5.8.0")).Desired[0]; d.Version.String() != "5.8.1" {
		t.Errorf("desired: %+v", d)
	}
	r.setVersion(wire.SetVersion{Version: "5.8.0", Group: "all"}, "")
	var groups []wire.GroupInfo
	r.do(http.StatusOK, http.MethodGet, "/api/v1/groups", nil, &groups)
	if len(groups) != 1 || groups[0].Version != "5.8.0" {
		t.Errorf("groups: %+v", groups)
	}
}

func TestSetVersionIsChecked(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	for name, in := range map[string]wire.SetVersion{
		"for nobody":        {Client: "viewer", Version: "5.8.1", Reason: "x"},
		"for two at once":   {Client: "viewer", Version: "5.8.1", Reason: "x", All: true, Group: "g"},
		"no version":        {Client: "viewer", Version: "five", Reason: "x", All: true},
		"an unknown client": {Client: "nobody", Version: "5.8.1", Reason: "x", All: true},
		"an unknown group":  {Client: "viewer", Version: "5.8.1", Reason: "x", Group: "g"},
	} {
		t.Run(name, func(t *testing.T) {
			r.do(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/version", in, nil)
		})
	}
}

func TestPlanShowsWhatWaits(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	r.upload("5.8.1")
	a := r.agent(r.enrolment(), "pc-1")
	a.checkin(a.report("pc-1", "5.8.0"))
	r.setVersion(wire.SetVersion{Version: "5.8.1", All: true}, "")
	var plan wire.Plan
	r.do(http.StatusOK, http.MethodGet, "/api/v1/plan", nil, &plan)
	if len(plan.Effects) != 1 || !plan.Effects[0].Decision.Changes() {
		t.Errorf("plan: %+v", plan)
	}
	status, spec := r.call(r.admin, http.MethodGet, "/api/v1/openapi.json", nil)
	if status != http.StatusOK || !strings.Contains(string(spec), `"openapi":"3.1.0"`) || !strings.Contains(string(spec), "/api/v1/plan") {
		t.Errorf("OpenAPI: status %d", status)
	}
	status, metrics := r.call(r.admin, http.MethodGet, "/metrics", nil)
	if status != http.StatusOK || !strings.Contains(string(metrics), `lull_workstations{client="viewer",phase="Staging"} 1`) {
		t.Errorf("metrics: status %d\n%s", status, metrics)
	}
}

// While a revision arrives, and is planned, a second one is sent away unread; then there is room again.
func TestOnePlanAtATime(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	body, slow := io.Pipe()
	first := make(chan int, 1)
	go func() {
		status, _ := r.call(r.admin, http.MethodPost, "/api/v1/plan", body, "Content-Type", "application/json")
		first <- status
	}()
	slow.Write([]byte(`{"files": `)) // taken from the pipe, and soon by the server
	second := func() *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/api/v1/plan", strings.NewReader(`{"files": {}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+r.admin)
		req.Header.Set("Content-Type", "application/json")
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	resp := second()
	for range 100 { // until the first one has arrived
		if resp.StatusCode == http.StatusTooManyRequests {
			break
		}
		time.Sleep(10 * time.Millisecond)
		resp = second()
	}
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("beside another plan: status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	slow.Write([]byte(`{}}`))
	slow.Close()
	if status := <-first; status != http.StatusOK {
		t.Errorf("the first plan: status %d", status)
	}
	if resp := second(); resp.StatusCode != http.StatusOK {
		t.Errorf("after the first plan: status %d", resp.StatusCode)
	}
}
