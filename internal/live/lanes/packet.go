package lanes

import "encoding/binary"

// ParsePacket reads the headers of an IP packet that carries TCP or UDP, of which
// b holds all or the beginning. It returns false for any other packet. The time
// is left to the caller, and Text is a part of b.
//
// Source: RFC 791, 768, 8200, 9293
func ParsePacket(b []byte) (p Packet, ok bool) {
	protocol, size, b := inside(b)
	const tcp, udp = 6, 17
	header := 8
	switch {
	case protocol == udp && len(b) >= header:
		p.UDP = true
	case protocol == tcp && len(b) >= 20:
		header = int(b[12]>>4) * 4
		const fin, syn, rst, ack = 1, 2, 4, 16
		flags := b[13]
		p.FIN, p.SYN, p.RST, p.ACK = flags&fin != 0, flags&syn != 0, flags&rst != 0, flags&ack != 0
		if header < 20 {
			return p, false
		}
	default:
		return p, false
	}
	if header > len(b) || header > size {
		return Packet{}, false
	}
	p.From, p.To = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.Size = size - header
	p.Text = b[header:min(len(b), header+TextLimit, size)]
	return p, true
}

// inside returns the payload of an IP packet and its full size, which may be
// more than was captured.
func inside(b []byte) (protocol byte, size int, carried []byte) {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		header, size := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		const offset = 0x1fff // of a fragment that is not the first one, which has the ports
		if header < 20 || header > min(size, len(b)) || binary.BigEndian.Uint16(b[6:])&offset != 0 {
			return 0, 0, nil
		}
		return b[9], size - header, b[header:]
	case len(b) >= 40 && b[0]>>4 == 6: // on loopback there are no extension headers
		return b[6], int(binary.BigEndian.Uint16(b[4:])), b[40:]
	}
	return 0, 0, nil
}
