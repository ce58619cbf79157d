// The two halves of generated names: how a ship or its crew may be, and people who went to sea, mapped it, or made
// it safer. Lower-case letters only, so that any two of them make a valid name.

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const ADJECTIVES = words(`
  able agile airy alert ample amber aquatic ardent awake azure balmy bold bonny brave breezy bright brisk buoyant
  calm candid careful cheerful clear clever coastal cobalt cool coral cordial crisp curious daring dauntless deft
  distant dry eager early earnest easy eastern elated even fair faithful famous fast fearless festive fine firm fit
  fleet fluent foamy fond frank free fresh friendly gallant gentle glad gleaming golden good graceful grand great
  green hale handy happy hardy hearty helpful honest hopeful humble indigo jolly jovial joyful keen kind laden large
  lasting level light lively loyal lucid lucky lunar mellow merry mighty mild misty modest moored native neat nimble
  noble northern oaken open orderly patient pelagic placid plucky polar polite prompt proud pure quick quiet radiant
  rapid ready roving rugged sailing salty sane seaworthy serene sharp shining silent silver simple sleek smart smooth
  snug sober solar solid sound southern spirited spry stable steady stellar sterling stout sturdy subtle sunny sure
  swift tall tender thrifty tidal tidy tranquil trim true trusty upbeat valiant vast vivid warm watchful wavy western
  whole wide willing windy wise witty worthy young zealous zesty
`);

export const MARINERS = words(`
  amundsen anning anson baffin bahia banks baret barents bass beaufort beebe bering bligh bougainville bowditch brandt
  cabot cadamosto carson cartier challenger chichester clipperton columbus cook cousteau cunha dampier darwin davis
  dias drake earle ekman elcano erikson eudoxus fitzroy flinders forbes forster francis franklin frobisher gama garay
  garcia gilbert halley hanno harrison hauser henson herjolfsson heyerdahl hipparchus hudson humboldt ingstad ivanov
  joyon kerguelen knox kotzebue krusenstern laperouse leif lemaire lisiansky lovell magellan maury mawson mercator
  moitessier munk nansen nares nearchus necho nobile nordenskjold ohthere orellana parry peary piccard pinzon polo
  ptolemy pytheas quadra quiros raleigh roggeveen ross saavedra schouten scott scylax selkirk shackleton sharp slocum
  smyth solander stark steller sverdrup tabei tasman tharp torres urdaneta vancouver vespucci villiers wafer weddell
  wegener wilkes worsley yermak zarco zhenghe
`);
