package conform

import "net"

var conversationChecks = []Check{
	Shared("announcement", announcement),
	{Name: "announcement/name", Run: servingAt("localhost", announcement)},
	{Name: "every interface", Run: everyInterface},
	Shared("nothing", nothing),
	Shared("pipelined", pipelined),
	Shared("half-close", halfClose),
}

// A client can reach the server at the port that it announces, even if the port
// was given as 0. After every check, examine checks whether the server
// announced the host as it was given.
func announcement(t *Trial) {
	if t.process.Port == "0" {
		t.Failf("it announced the port 0")
	}
	t.visit()
}

// The empty host means every interface, IPv4 and IPv6. The server prints each
// client's address as Python prints addresses of that family.
func everyInterface(s Server) error {
	for _, host := range Loopbacks() {
		err := servingAt("", func(t *Trial) {
			c := t.connectTo(host, nil)
			c.Exchange()
			c.Leave()
			if t.Accepted != "" {
				c.AwaitAccepted()
			}
		})(s)
		if err != nil {
			return err
		}
	}
	return nil
}

// Loopbacks returns the addresses of this machine, one for each family that it
// has.
func Loopbacks() []string {
	hosts := []string{"127.0.0.1"}
	if listener, err := net.Listen("tcp", "[::1]:0"); err == nil {
		listener.Close()
		hosts = append(hosts, "::1")
	}
	return hosts
}

// A client that asks nothing has done nothing wrong.
func nothing(t *Trial) {
	c := t.Connect()
	if !c.Once {
		c.Leave()
		return
	}
	c.CloseWrite()
	if _, err := c.Rest(); err != nil { // it may be an answer that needs no request
		c.Fail(err)
	}
	c.Close()
	c.ExpectEnding(c.Closed)
}

// Several requests in one segment get several answers.
func pipelined(t *Trial) {
	c := t.Connect()
	c.asks(5, "")
	c.Leave()
}

// A client that has closed its side still receives the answers to what it asked.
func halfClose(t *Trial) {
	c := t.Connect()
	if c.Once {
		c.Send(c.Ask)
		c.CloseWrite()
		c.Hear(c)
	} else {
		c.Exchange()
		c.Send(c.Ask + c.Ask + c.Goodbye)
		c.CloseWrite()
		c.Hear(c)
		c.Hear(c)
	}
	c.ExpectEnd()
	c.ExpectEnding(c.Closed)
}
