package access

// Rule is what one route asks of its caller.
type Rule struct {
	Role Role
	Page bool // read by a browser: the sign-in cookie counts, and who is not signed in is sent to the form
}

// Rules is the whole table of routes, by the pattern under which a handler is registered. It is the only place that
// says who may do what; a route that is not in it is refused to everybody.
func Rules() map[string]Rule {
	return map[string]Rule{
		"GET /healthz": {Role: Everybody},
		"GET /readyz":  {Role: Everybody},
		"GET /metrics": {Role: Viewer},

		"POST /agent/v1/enrol":                                {Role: Everybody}, // the enrolment string in the body decides
		"POST /agent/v1/session":                              {Role: Everybody}, // the signature in the body decides
		"POST /agent/v1/checkin":                              {Role: Agent},
		"GET /agent/v1/releases/{path...}":                    {Role: Agent},
		"GET /{$}":                                            {Role: Viewer, Page: true},
		"GET /signin":                                         {Role: Everybody, Page: true},
		"POST /signin":                                        {Role: Everybody, Page: true},
		"POST /signout":                                       {Role: Everybody, Page: true},
		"GET /static/{name}":                                  {Role: Everybody, Page: true},
		"GET /api/v1/openapi.json":                            {Role: Viewer},
		"GET /api/v1/openapi.yaml":                            {Role: Viewer},
		"GET /api/v1/openapi-3.0.json":                        {Role: Viewer},
		"GET /api/v1/openapi-3.0.yaml":                        {Role: Viewer},
		"GET /api/v1/workstations":                            {Role: Viewer},
		"GET /api/v1/workstations/{name}":                     {Role: Viewer},
		"GET /api/v1/computers":                               {Role: Viewer},
		"DELETE /api/v1/computers/{id}":                       {Role: Admin},
		"POST /api/v1/actions":                                {Role: Operator},
		"GET /api/v1/clients":                                 {Role: Viewer},
		"GET /api/v1/groups":                                  {Role: Viewer},
		"GET /api/v1/revisions":                               {Role: Viewer},
		"GET /api/v1/plan":                                    {Role: Viewer},
		"POST /api/v1/plan":                                   {Role: Viewer},
		"POST /api/v1/version":                                {Role: Operator},
		"GET /api/v1/manifests":                               {Role: Viewer},
		"POST /api/v1/manifests":                              {Role: Admin},
		"GET /api/v1/manifests/{kind}/{name}":                 {Role: Viewer},
		"PUT /api/v1/manifests/{kind}/{name}":                 {Role: Admin},
		"DELETE /api/v1/manifests/{kind}/{name}":              {Role: Admin},
		"GET /api/v1/releases":                                {Role: Viewer},
		"POST /api/v1/releases":                               {Role: Admin},
		"POST /api/v1/releases/missing":                       {Role: Admin},
		"DELETE /api/v1/releases/{client}/{version}/{system}": {Role: Admin},
		"GET /api/v1/tokens":                                  {Role: Admin},
		"POST /api/v1/tokens":                                 {Role: Admin},
		"DELETE /api/v1/tokens/{id}":                          {Role: Admin},
	}
}
