package mp3

// The Huffman codes of ISO/IEC 11172-3 table B.7. The codes of each are complete, so the
// lengths of its leaves from left to right tell all of it: values has two
// hexadecimal digits for each leaf, those of a pair (0 to 15 each), or of a quadruple
// (a bit each); lengths has a letter, "a" for one bit.
var codes = map[int]struct{ values, lengths string }{
	1: {"11011000", "ccba"},
	2: {"220212212011011000", "ffeeeccca"},
	3: {"220212212010110100", "ffeeecbbb"},
	5: {"33233231130330221221022011011000", "hhgfggggffffccca"},
	6: {"33032332301331220212212001111000", "ggfffeeeedddcbcc"},
	7: {
		"554554533544255215510534504333244214414004233203133130221221022011011000",
		"jjjjiiiihhiihiihhggghhhhggggfeffdcca",
	},
	8: {
		"555445533544255205155134435033244214410440233213310330220220122111011000",
		"kkjijjiiihhiiiihhhghhhhhhhhfffddbccb",
	},
	9: {
		"554535535405442552155134435004244233401441233213310330220212212011011000",
		"iihhiihhhhggghhggggffffeeffeedddcccc",
	},
	10: {
		"7767765775664774566537734655546327726407706245350653441771362625521551344316616005502442330414414023320313313022" +
			"1221022011011000",
		"kkkkkkjjjjjjjkkjiijjiijjijjhhiijjiijjhhhiiiiiihhhhhhggggffffdcca",
	},
	11: {
		"7767767566477457555665377346455435532772640771177036636044255205156226061661513450433324421441044023321331033022" +
			"2112022011011000",
		"jjjjjjjkkjjiiijjjjhhiighhhhhiiiihghhgghhhiihhhhhhggffggfedeecccb",
	},
	12: {
		"7767765775664774655637735527724664177107703663455444060526626116603553255215513443500424421433412332400330133122" +
			"1221022000110110",
		"jjiiiiiiihhiihhhhhhiihhhhhiiggghhhhhhgggghhgggffffggfeeeddeedccc",
	},
	13: {
		"fefcfdedffefdfeecfdebffbcedcafe9ecddfacdbeeb9ff9eabddb8ff8ccae9e8e7f7ef7daadbccbf66fe85f9dd9f5e7acbb4ff4cae6f33f" +
			"8dd82ff26e9c0fc95eab7dd74ec8d63eb99baa1ff1f0bae5e48c6de3e22e0e1ee1e05dd57cc74d8bb8d49aa96cc63dd37b2dd21db75cc599" +
			"7ac3a7974bd10dd08aa84cc46bb63c2cc25bb5891cc1980cc0b46aa6793bb3885a2ba569a47887947776b21bb10bb0964a3aa359952aa21a" +
			"a10a68a086499339588567299257753883664774566573199109904884724664288218372717715507703663455426623581088016610660" +
			"5344255205155134435024423314410440233213310330221221022011011000",
		"ssrqppppppppppqqooppooooooooooppoppnnoooonnnnnnnnnnnoonmnnmmnnmnnmnnmnnmmnnlllmmmmmmlmmllmmmmmmmmmmmmllmmllllmmm" +
			"mlmmlkllllllllkkkkllkkllkllllkkllkllkllklljjjkkkkkkkkjjjjkkjkkjkkkkjjkkjjkkkkkkiijjjjjkkiiijjiijjjjjjjjjjhiiiiii" +
			"jjiiihhiiiiiihghhhhgggggffffddca",
	},
	15: {
		"ffeffedfeefdcffcdeedbffbceecddaffabeebcddc9ff9eabddb8ff8cc9ee97ff7addabc6fae0fcbf68ee85f9df57ee7accabbd98d4ff43f" +
			"f3d8e62ff26ef01ff19cc95eabbae57dd74ee48cc83e6dd6e39bb92eaae21ee10ee05dd57cc74d8bd4b89aa96cc63dd3d22d0d1d7bb7d15c" +
			"d0c58aa84cc46bb6990c3cc37aa7a6c00bc22c5bb51c8998c14bb46a3b79b397882b5ab2a51bb1b069964aa478873aa359952aa21aa10aa0" +
			"6886499439937709588529677692911990488457753883664728821881740880566537734627726417557107703663455426621606603561" +
			"5344255215510550344324423341140423324003133130221221022011011000",
		"mmmmlmmmmmmlmmlllllllllllllllllllllllmmkkllllkkkkkkllkkkkkkkkllkkkkkkkkkkkkkkkkkkkkkkkkkllkkkkkkjkkkkkkjjkkjjjjk" +
			"kjjjjjjjkkjjjjjkkijjjjjjjjjjjjijjjjijjijjjjjjjjiiiiiiijjiiiiiijjiiiiiihiiiiiiiiiihhhhiiiiiiiihhhhhhiihhhhhhhiihg" +
			"hhgggghhgggggfggffggfffeeeeecddc",
	},
	16: {
		"effedffdcffcbffbaffa9ff9f88f7ff76ff6ff5ff54ff4f3f03fceecdddee9ead9eeedebbecddcdbaeccadda7eaccac97d5ebdf22f0f1ff1" +
			"9ebccb8ee89de7bb8dd86ee69cabbae5d74ee48cc83e6dd69bb9aae1d4b8a97bb7d0e30ee05dd57cc74d8b9a6cc63d5cc50d8aa8994cb67a" +
			"3c5b891cc09879e22e1ed32dd2d13b97881dc46bc3a72cc2b5c10c4bb46aa6b35aa52bb21bb10bb069964aa47887a33a592a9568a1867794" +
			"495767a21a0aa039935885299276091991904884753883662882477418818008563773654627726455071771703663455426621661066053" +
			"3544255251150534435024423314410440233213310330221221022011011000",
		"kkkkkkkkjkkkkjjjjjhjjiiiijpqqooppnoonnoonnoooonoonmhiihhmnnnnnnnnnnmmnnnnmnnmmmnnnnmmnnmnnlmmmmmmmmmmmmmmlmmmmmm" +
			"lmmllmmklllllllmmkllllkllllllllkllkkkkllllllllkllkllkllkllkjjkkkkkkjjkkjjkkkkkkkkjkkjjjkkjjkkjjkkjiijjjjjjiiijji" +
			"jjiihiiiiiiiihhiihhgghhgffffddca",
	},
	24: {
		"effedffdcffcbffbfaaf9ff9f88f7ff76ff65ff54ff43ff32ff2f11ff00feedeedceecddbeebcddcaeeabddbcc9ee9addabccb8ee89dd97e" +
			"e7acffcabb8dd80ee00de66e9cc95ebae5ab7dd7e48cc84e2e3e6dd6e39bb9aae21ee15dd57cc74d8bb8d49aa96cc63dd32dd21d7bb7d15c" +
			"c58aa8994cc46bb6d00c3cc37aa72cc25bb51c8998c14bc00b3bb00a1ab46aa67997a00990b3882b5ab2a51bb16996a44a78873aa359952a" +
			"a2a1688677499439935885296776921991488457753883662882184774810880566517077073372772466455713663455426621661066035" +
			"5344255215055051344324423314410440233213310330221221022011011000",
		"hhhhhhhhghhgghhgggggggggggghhikkkkkkkkkkkkkkkkkkkkkkkkkkkkdkkkkllkjkkjjjjkkjjjjkkjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj" +
			"jjjjjjjjkkjjjjjjjjjjjjjkkjkkjijjjjkkjiijjijjjjiijjiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiijjiiijjhiihhhhhhhhhhhhhiih" +
			"hhhhhiighhggggghhggffggfeeffdddd",
	},
	quadA: {"0b0f0d0e07050906030a0c0201040800", "ffffffeeeeedddda"},
	quadB: {"0f0e0d0c0b0a09080706050403020100", "dddddddddddddddd"},
}
