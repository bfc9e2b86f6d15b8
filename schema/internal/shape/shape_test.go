package shape

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

type inner struct {
	Limit int    `yaml:"limit" check:"min=1,max=4"`
	Word  string `yaml:"word" enum:"a,b" laterEnum:"c" default:"a"`
}

type outer struct {
	Names  []string          `yaml:"names" check:"required,name"`
	Facts  map[string]string `yaml:"facts" keys:"host"`
	When   *time.Time        `yaml:"when"`
	Window *func()           `yaml:"window" later:"a window"` // a type without a form, which does not matter
	Hidden bool              `yaml:"-"`
	inner  `yaml:",inline"`
}

func TestOf(t *testing.T) {
	s := Of(reflect.TypeFor[outer]())
	if want := []string{"names", "facts", "when", "limit", "word"}; !slices.Equal(s.Names(), want) {
		t.Errorf("names %v, want %v", s.Names(), want)
	}
	if f := s.Field("names"); !f.Required || f.Shape.Kind != List || f.Shape.Elem.Kind != String || !slices.Equal(f.Rules, []string{"name"}) {
		t.Errorf("names: %+v", f)
	}
	if f := s.Field("when"); f.Shape.Kind != Text || f.Shape.Type != reflect.TypeFor[time.Time]() {
		t.Errorf("when: %+v", f)
	}
	if f := s.Field("limit"); f.Min != 1 || f.Max != 4 || f.Shape.Kind != Int || f.Owner != reflect.TypeFor[inner]() || !slices.Equal(f.Index, []int{5, 0}) {
		t.Errorf("limit: %+v", f)
	}
	if f := s.Field("word"); f.Default.String() != "a" || len(f.Enum) != 2 || f.LaterEnum[0] != "c" {
		t.Errorf("word: %+v", f)
	}
	if f := s.Field("facts"); f.Shape.Kind != Map || f.Keys[0] != "host" {
		t.Errorf("facts: %+v", f)
	}
	if s.Field("window").Later != "a window" || s.Field("Hidden") != nil {
		t.Error("window or Hidden")
	}
}

func TestOfPanics(t *testing.T) {
	for _, broken := range []reflect.Type{
		reflect.TypeFor[chan int](),
		reflect.TypeFor[struct {
			When time.Time `yaml:"when" default:"never"`
		}](),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v has a shape", broken)
				}
			}()
			Of(broken)
		}()
	}
}
