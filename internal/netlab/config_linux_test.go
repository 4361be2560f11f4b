package netlab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The hosts show the repository, whichever of its folders the user is in. They show
// no other module, because they can write to what they show.
func TestRepository(t *testing.T) {
	above := t.TempDir()
	clone := filepath.Join(above, "clone")
	inside := filepath.Join(clone, "chapter07", "client")
	if err := os.MkdirAll(inside, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ folder, text, from, want string }{
		{above, "module other\n", inside, ""},
		{clone, "// The Go companion.\nmodule fopnp // a comment\n", inside, clone},
		{clone, "module fopnp\n", clone, clone},
		{clone, "module fopnp\n", above, ""},
		{clone, "module fopnp\n", "", ""},
		{clone, "module fopnp/other\n", inside, ""},
	} {
		if err := os.WriteFile(filepath.Join(test.folder, "go.mod"), []byte(test.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, err := repository(test.from); got != test.want || err != nil {
			t.Errorf("with %q in %s, the repository of %q is %q (%v), want %q", test.text, test.folder, test.from, got, err, test.want)
		}
	}
}

// A host writes to its own folders, such as the keys in /root/.ssh. None of the
// machine's folders may take their place.
func TestHidden(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/boot", "/root": "/root", "/home": "/home", "/home/brandon": "/home/brandon/.ssh", "/var": "/var",
		"/var/mail": "/var/mail", "/tmp": "/tmp", "/etc/ssh": "/etc/ssh", "/srv": "/srv",
		"/root/fopnp": "", "/home/brandon/fopnp": "", "/home/reader": "", "/var/lib/go": "", "/usr/local/go": "", "/rootless": "",
	} {
		if got := hidden(path); got != want {
			t.Errorf("%s would replace %q, want %q", path, got, want)
		}
	}
	for folder := range folders {
		if hidden(folder) == "" || hidden(filepath.Dir(folder)) == "" {
			t.Errorf("a folder shown at %s would replace nothing", folder)
		}
	}
}

// A repository that is in the place of a host's folder is refused, and the error says
// which folder it is.
func TestMisplacedRepository(t *testing.T) {
	clone := t.TempDir()
	if err := os.WriteFile(filepath.Join(clone, "go.mod"), []byte("module fopnp\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	folders[filepath.Join(clone, "mail")] = 0o755
	defer delete(folders, filepath.Join(clone, "mail"))
	got, err := repository(clone)
	if got != "" || err == nil || !strings.Contains(err.Error(), clone+"/mail of its own") {
		t.Errorf("the repository is %q (%v)", got, err)
	}
}

// A symbolic link may lead elsewhere on a host, so the hosts get the folder that it
// leads to here. If the folder is gone, the hosts get none.
func TestWorkingFolder(t *testing.T) {
	above, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	folder, link := filepath.Join(above, "folder"), filepath.Join(above, "link")
	if err := errors.Join(os.Mkdir(folder, 0o777), os.Symlink(folder, link)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(link)
	if got := workingFolder(); got != folder {
		t.Errorf("in %s, the folder is %q, want %q", link, got, folder)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if got := workingFolder(); got != "" {
		t.Errorf("when it is gone, the folder is %q", got)
	}
}

// The hosts show the folders of the user's programs, but none that would replace a
// folder of their own.
func TestPathOfHosts(t *testing.T) {
	t.Setenv("PATH", "/tmp:relative:/root:/usr/bin:/etc/ssh")
	c, err := newConfig()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/usr/bin"}; !slices.Equal(c.Path, want) {
		t.Errorf("the folders of programs are %q, want %q", c.Path, want)
	}
	for _, folder := range slices.Concat(c.ReadOnly, c.Writable) {
		if own := hidden(folder); own != "" {
			t.Errorf("%s would replace %s", folder, own)
		}
	}
}

// A host does not show Go's caches in place of its own folders, and its programs
// look for no modules on the internet.
func TestGoOnHosts(t *testing.T) {
	if err := exec.Command("go", "env").Run(); err != nil {
		t.Skip("there is no Go: ", err)
	}
	shown := t.TempDir()
	t.Setenv("GOMODCACHE", "/var/mail")
	t.Setenv("GOCACHE", shown)
	t.Setenv("TZ", "Asia/Tokyo")
	t.Setenv(coverage, "")
	c, err := newConfig()
	if err != nil {
		t.Fatal(err)
	}
	if want, err := filepath.EvalSymlinks(shown); err != nil || !slices.Equal(c.Writable, []string{want}) {
		t.Errorf("the hosts can write to %q, want %q (%v)", c.Writable, want, err)
	}
	for _, want := range []string{"GOCACHE=" + shown, "GOPROXY=off", "GOTOOLCHAIN=local", "GOTELEMETRY=off", "TZ=Asia/Tokyo"} {
		if !slices.Contains(c.Env, want) {
			t.Errorf("the environment %q lacks %s", c.Env, want)
		}
	}
}
