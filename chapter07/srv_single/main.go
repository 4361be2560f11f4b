// Srv_single answers Zen questions one conversation at a time: whoever comes
// while a client is being served waits until that client has left.
//
// Source: fopnp py3/chapter07/srv_single.py
//
// What to notice: there is nothing to notice. Three calls make a server, and
// most of the time it is either waiting in accept or waiting in recv.
//
// What to try: open two clients with telnet and ask with the second first.
package main

import "fopnp/chapter07/zen_utils"

func main() {
	address := zen_utils.ParseCommandLine("simple single-threaded server")
	listener := zen_utils.CreateSrvSocket(address)
	zen_utils.AcceptConnectionsForever(listener)
}
