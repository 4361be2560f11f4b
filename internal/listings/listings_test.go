package listings_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

func TestMain(m *testing.M) { os.Exit(progtest.Main(m)) }

const root = "../.."

// The table has a row for each program and each shared package of the shelves,
// and no others.
func TestTree(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-f", "{{.Name}} {{.ImportPath}}", "./chapter...", "./lecture/...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	programs, packages := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, folder, _ := strings.Cut(strings.TrimSpace(line), " fopnp/")
		if name == "main" {
			programs[folder] = true
		} else {
			packages[folder] = true
		}
	}
	rows := map[string]bool{}
	for _, l := range listings.All {
		if rows[l.Folder()] {
			t.Errorf("%s has two rows", l.Folder())
		}
		rows[l.Folder()] = true
		if l.IsProgram() && !programs[l.Folder()] {
			t.Errorf("%s is not a program", l.Folder())
		} else if !l.IsProgram() && !packages[l.Folder()] {
			t.Errorf("%s is not a package", l.Folder())
		}
	}
	shelves := map[string]bool{}
	for program := range programs {
		shelves[path.Dir(program)] = true
		if !rows[program] {
			t.Errorf("%s has no row", program)
		}
	}
	for folder := range packages {
		if shelves[path.Dir(folder)] && !rows[folder] && path.Base(folder) != "internal" {
			t.Errorf("%s has no row", folder)
		}
	}
}

// Names are unique, because "go build -o bin/ ./..." keeps only one of two
// programs with the same name. Some file systems ignore case.
func TestNames(t *testing.T) {
	t.Parallel()
	rows := map[string]string{}
	for _, l := range listings.All {
		name := strings.ToLower(l.Name)
		if rows[name] != "" {
			t.Errorf("%s and %s have the same name", rows[name], l.Folder())
		}
		rows[name] = l.Folder()
		if found, ok := listings.Find(l.Name); !ok || found.Folder() != l.Folder() {
			t.Errorf("%s is found as %s", l.Folder(), found.Folder())
		}
	}
	if l, ok := listings.Find("nosuch"); ok {
		t.Errorf("nosuch is found as %s", l.Folder())
	}
}

// The rows of a shelf follow one another.
func TestShelves(t *testing.T) {
	t.Parallel()
	var shelves []string
	for _, l := range listings.All {
		shelves = append(shelves, l.Shelf)
	}
	shelves = slices.Compact(shelves)
	if unique := slices.Compact(slices.Sorted(slices.Values(shelves))); len(unique) != len(shelves) {
		t.Errorf("the shelves are %v", shelves)
	}
}

// Every program has a script, and every script belongs to a program.
func TestScripts(t *testing.T) {
	t.Parallel()
	missing := map[string]bool{}
	for _, l := range listings.All {
		if l.IsProgram() {
			missing[l.Script()] = true
		}
	}
	err := filepath.WalkDir(filepath.Join(root, "testdata"), func(file string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".txtar" {
			return err
		}
		name, err := filepath.Rel(root, file)
		if name = filepath.ToSlash(name); !missing[name] {
			t.Errorf("%s belongs to no program", name)
		}
		delete(missing, name)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, script := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("%s does not exist", script)
	}
}

// A row's port is its program's default port.
func TestPorts(t *testing.T) {
	t.Parallel()
	option := regexp.MustCompile(`(?m)^  -p port .*\(default (\d+)\)$`)
	for _, l := range listings.All {
		if !l.IsProgram() {
			continue
		}
		help, err := exec.Command(filepath.Join(progtest.Bin(), l.Name), "-h").Output()
		if err != nil {
			t.Errorf("%s -h: %v", l.Name, err)
		}
		port := "0"
		if match := option.FindSubmatch(help); match != nil {
			port = string(match[1])
		}
		if port != fmt.Sprint(l.Port) {
			t.Errorf("%s uses port %s, want %d:\n%s", l.Name, port, l.Port, help)
		}
		if (l.Kind == listings.Package || l.Kind == listings.Tool) != (l.Network == "") {
			t.Errorf("%s uses the network %q", l.Name, l.Network)
		}
	}
}

// Every server announces that it is ready, as its row says, and stops cleanly.
func TestServers(t *testing.T) {
	t.Parallel()
	for _, l := range listings.On("", listings.Server, listings.Both) {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			server := progtest.MustStart(t, l.Name, l.ServeArgs("127.0.0.1", "0", progtest.Beside(t, l)...)...)
			listensAt(t, server, l.Network)
			if err := server.Stop(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		})
	}
}

// The row of every server names a client that visits it, and what the visit
// shows.
func TestVisits(t *testing.T) {
	t.Parallel()
	for _, l := range listings.All {
		if !l.IsServer() {
			if l.Visit.Client != "" {
				t.Errorf("%s is not a server, but %s visits it", l.Name, l.Visit.Client)
			}
			continue
		}
		client, found := listings.Find(l.Visit.Client)
		if !found || client.Kind != listings.Client && client.Kind != listings.Both || client.Network != l.Network {
			t.Errorf("%s is visited by %q", l.Name, l.Visit.Client)
		}
		if len(l.Visit.Prints) == 0 {
			t.Errorf("a visit to %s shows nothing", l.Name)
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, output, port string }{
		{"srv_single", "Listening at ('127.0.0.1', 41285)\n", "41285"},
		{"srv_single", "Listening at ('', 1060)\nAccepted connection from ('127.0.0.1', 5)\n", "1060"},
		{"srv_single", "Listening at ('::1', 41285, 0, 0)\n", "41285"},
		{"srv_single", "Listening at ('127.0.0.1', 41285)\r\n", "41285"},
		{"srv_single.exe", "Listening at ('127.0.0.1', 41285)\n", "41285"},
		{"srv_single", "Listening at ('127.0.0.1', 412", ""}, // more of the number may come
		{"srv_single", "Listening at ('127.0.0.1', 41285)", ""},
		{"srv_single", "srv_single: Listening at ('127.0.0.1', 41285)\n", ""},
		{"srv_single", "waiting on port: 7739\n", ""},
		{"creosote", "waiting on port: 7739\n", "7739"},
		{"tsTservSS", "Listening at ('', 41285)\nwaiting for connection...\n", "41285"},
		{"creosote", "Listening at ('127.0.0.1', 41285)\n", ""},
		{"tcp_sixteen", "Listening at ('', 1060)\nWaiting to accept a new connection\n", "1060"},
		{"nosuch", "Listening at 127.0.0.1:41285\n", "41285"},
		{"nosuch", "Waiting\n", ""},
		{"nats-server", "[1] Listening for client connections on 0.0.0.0:4222\n[1] Server is ready\n", "4222"},
		{"nats-server", "[1] Listening for client connections on 0.0.0.0:4222\n", ""},
	} {
		port, ok := listings.Ready(test.name, test.output)
		if port != test.port || ok != (test.port != "") {
			t.Errorf("%s, %q: port %q, %v, want %q", test.name, test.output, port, ok, test.port)
		}
	}
	if _, ok := listings.Ready("tsTservSS", "waiting for connection...\n"); !ok {
		t.Error("tsTservSS at its own port is not ready")
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, serve, ask string
	}{
		{"srv_single", "h -p 1 -d 2", "h -p 1 -d 2"},
		{"tcp_sixteen", "server h -p 1 -d 2", "client h -p 1 -d 2"},
		{"creosote", "-H h -p 1 -d 2", "-H h -p 1 -d 2"},
	} {
		l, _ := listings.Find(test.name)
		if serve := strings.Join(l.ServeArgs("h", "1", "-d", "2"), " "); serve != test.serve {
			t.Errorf("%s: %s, want %s", test.name, serve, test.serve)
		}
		if ask := strings.Join(l.AskArgs("h", "1", "-d", "2"), " "); ask != test.ask {
			t.Errorf("%s: %s, want %s", test.name, ask, test.ask)
		}
	}
}
