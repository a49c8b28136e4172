package xmpp

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"gateway/bridge"
)

func TestConfigMistakesAreAllNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"good", Config{Component: "gw.example", Server: "127.0.0.1:5347", Secret: "x", Domains: []string{"example"}}, nil},
		{"good with IPv6", Config{Component: "under_score.example", Server: "[::1]:5347", Secret: "x"}, nil},
		{"empty", Config{}, []string{"component", "server", "secret"}},
		{"bad", Config{Component: "a@b", Server: "localhost", Secret: "x", Domains: []string{"a b", "ok"}}, []string{"component", "server", "domains[0]"}},
		{"bad port", Config{Component: "gw.example", Server: "localhost:70000", Secret: "x", Domains: []string{"GW.example"}}, []string{"server", "domains[0]"}},
	} {
		var got []string
		tt.cfg.Check(func(key, msg string) {
			if msg == "" {
				t.Errorf("%s: %s says nothing", tt.name, key)
			}
			got = append(got, key)
		})
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestNamesAreOnTheRightSideOfTheComponent(t *testing.T) {
	t.Parallel()
	cfg := NewConfig()
	cfg.Component = "gw.example"
	for _, tt := range []struct {
		role    bridge.Role
		pattern string
		good    bool
	}{
		{bridge.RoleAs, "{ext}@gw.example", true},
		{bridge.RoleAs, "{ext}@GW.example", true},
		{bridge.RoleAs, "{ext}@example", false},
		{bridge.RoleAs, "{ext}@{d}", false},
		{bridge.RoleShown, "x@gw.example", true},
		{bridge.RoleShown, "x@example", false},
		{bridge.RoleHome, "{user}@example", true},
		{bridge.RoleHome, "{user}@gw.example", false},
		{bridge.RoleHome, "{user}@{d}", false},
		{bridge.RoleHome, "{user}@{d:[a-z]+[.]org}", true},
		{bridge.RoleAllow, "{user}@gw.example", true},
		{bridge.RoleFrom, "{user}@{d}", true},
	} {
		p, err := bridge.NewPattern(cfg.Naming(), tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if msg := cfg.CheckName(tt.role, p); (msg == "") != tt.good {
			t.Errorf("role %d, %s: %q", tt.role, tt.pattern, msg)
		}
	}
}

func TestAComponentIsClaimedByItsFoldedName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		component string
		want      []string
	}{
		{"GW.Example.", []string{"component gw.example"}}, {"gw.example", []string{"component gw.example"}}, {"a@b", nil}, {"", nil},
	} {
		if got := (&Config{Component: tt.component}).Claims(); !slices.Equal(got, tt.want) {
			t.Errorf("%q claims %q, want %q", tt.component, got, tt.want)
		}
	}
}

func TestAdaptersAreToldApartByTheirRegisterer(t *testing.T) {
	t.Parallel()
	env := bridgeEnv()
	reg := prometheus.NewRegistry()
	for _, name := range []string{"one", "two"} {
		env.Name, env.Metrics = name, prometheus.WrapRegistererWith(prometheus.Labels{"adapter": name}, reg)
		if _, err := New(&Config{Component: "gw.example"}, env); err != nil {
			t.Error(err)
		}
	}
	all, err := reg.Gather()
	if err != nil || len(all) != 3 || all[0].GetName() != "gateway_xmpp_connects_total" || len(all[0].GetMetric()) != 4 ||
		all[1].GetName() != "gateway_xmpp_late_errors_total" ||
		all[2].GetName() != "gateway_xmpp_reconnects_total" || len(all[2].GetMetric()) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := New(&Config{Component: "gw.example"}, env); err == nil {
		t.Error("one name twice is no error")
	}
}
